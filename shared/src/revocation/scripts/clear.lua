-- Drops a part of what unfinished fillings left behind: entries between the valid epoch and ours, never
-- beyond ours. Returns their number. A part is longer than what a filling writes before it calls this again.
-- KEYS meta, log
-- ARGV epoch
local current = redis.call('HGET', KEYS[1], META.epoch)
if not current then
    return redis.call('XTRIM', KEYS[2], 'MINID', ARGV[1] .. '-0')
end
if tonumber(current) >= tonumber(ARGV[1]) then
    return redis.error_reply('EPOCH ' .. current)
end
local first = string.format('%.0f-0', tonumber(current) + 1)
local left = redis.call('XRANGE', KEYS[2], first, '(' .. ARGV[1] .. '-0', 'COUNT', 4000)
if #left == 0 then return 0 end
local ids = {}
for i, entry in ipairs(left) do ids[i] = entry[1] end
return redis.call('XDEL', KEYS[2], unpack(ids))
