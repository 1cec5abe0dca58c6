-- The records are there: meta last, then the earlier epochs may go, and readers are woken.
-- KEYS meta, log   ARGV wake, epoch, seq
local theirs = redis.call('HGET', KEYS[1], 'epoch')
if theirs and tonumber(theirs) >= tonumber(ARGV[2]) then
    return redis.error_reply('EPOCH ' .. theirs)
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'seq', ARGV[3], 'floor', '0')
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2] .. '-0')
redis.call('PUBLISH', ARGV[1], '')
