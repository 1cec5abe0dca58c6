-- The records are complete, from the first to the last: write the role map and meta last, then drop the
-- earlier epochs and wake the readers. meta never names the role map or a heartbeat of an earlier epoch.
-- KEYS meta, log, roles
-- ARGV wake, epoch, seq, version of the role map, role map, history, tags of the role map
local epoch, seq = ARGV[2], ARGV[3]
local current = redis.call('HGET', KEYS[1], META.epoch)
if current and tonumber(current) >= tonumber(epoch) then
    return redis.error_reply('EPOCH ' .. current)
end
local first = redis.call('XRANGE', KEYS[2], epoch .. '-0', '+', 'COUNT', 1)[1]
local begins = tonumber(seq) == 0 or (first and first[1] == epoch .. '-1')
if not begins or not ends_at(KEYS[2], epoch, seq) then
    return redis.error_reply('FORK ' .. last_id(KEYS[2]))
end
redis.call('SET', KEYS[3], ARGV[5])
redis.call(
    'HSET', KEYS[1], META.epoch, epoch, META.seq, seq, META.floor, '0', META.roles, ARGV[4],
    META.history, epoch .. ':' .. ARGV[6], META.roles_tags, ARGV[7])
redis.call('HDEL', KEYS[1], META.opened, META.closed, META.certificate)
redis.call('XTRIM', KEYS[2], 'MINID', epoch .. '-0')
redis.call('PUBLISH', ARGV[1], '')
