-- Compares, appends and publishes, all or nothing. Refuses another epoch, another end of the log, a log that
-- lost records, and a missing or different role map.
-- KEYS meta, log, roles
-- ARGV wake, epoch, expected seq, concatenated 32-byte records (empty: only compare), expected version of the
-- role map, then pairs: the number of a record, and its trace
local meta = redis.call('HMGET', KEYS[1], META.epoch, META.seq, META.floor, META.roles)
if meta[1] ~= ARGV[2] then
    return redis.error_reply('EPOCH ' .. (meta[1] or 'none'))
end
if meta[2] ~= ARGV[3] or not ends_at(KEYS[2], ARGV[2], ARGV[3]) then
    return redis.error_reply('FORK ' .. last_id(KEYS[2]))
end
local records, seq = ARGV[4], tonumber(ARGV[3])
if redis.call('XLEN', KEYS[2]) < seq - tonumber(meta[3] or '0') then
    return redis.error_reply('FORK some records are gone')
end
if meta[4] ~= ARGV[5] or redis.call('EXISTS', KEYS[3]) == 0 then
    return redis.error_reply('FORK the role map is gone')
end
if #records == 0 then return end
local traces = {}
for at = 6, #ARGV, 2 do traces[tonumber(ARGV[at])] = ARGV[at + 1] end
for number = 1, #records / 32 do
    seq = seq + 1
    local id = string.format('%s-%.0f', ARGV[2], seq)
    local record = string.sub(records, number * 32 - 31, number * 32)
    if traces[number] then
        redis.call('XADD', KEYS[2], id, ENTRY.record, record, ENTRY.trace, traces[number])
    else
        redis.call('XADD', KEYS[2], id, ENTRY.record, record)
    end
end
redis.call('HSET', KEYS[1], META.seq, string.format('%.0f', seq))
redis.call('PUBLISH', ARGV[1], records)
