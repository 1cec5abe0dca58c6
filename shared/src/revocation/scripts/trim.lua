-- Raises the floor first, so that readers notice that records are gone; then drops the records.
-- KEYS meta, log
-- ARGV epoch, floor
local current = redis.call('HGET', KEYS[1], META.epoch)
if current ~= ARGV[1] then
    return redis.error_reply('EPOCH ' .. (current or 'none'))
end
redis.call('HSET', KEYS[1], META.floor, ARGV[2])
redis.call('XTRIM', KEYS[2], 'MINID', string.format('%s-%.0f', ARGV[1], tonumber(ARGV[2]) + 1))
