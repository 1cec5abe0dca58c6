-- Compares, appends, publishes and closes a heartbeat, all or nothing. Refuses another epoch or history, another end of
-- the log, a log that lost records, a missing or different role map, and a heartbeat that is not the open one.
-- KEYS meta, log, roles
-- ARGV wake, epoch, expected seq, concatenated 32-byte records (empty: none), expected version of the role map,
-- history, replication id, number of the heartbeat to close (empty: none), its certificate, then pairs: the number of a
-- record, and its trace
local epoch, seq, records, closes = ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[8]
local found = difference(
    KEYS[1], KEYS[2], KEYS[3], {epoch = epoch, seq = ARGV[3], roles = ARGV[5], history = ARGV[6]})
if found then return redis.error_reply(found) end
if closes ~= '' then
    if redis.call('HGET', KEYS[1], META.opened) ~= closes then
        return redis.error_reply('FORK another heartbeat is open')
    end
    if replication_id() ~= ARGV[7] then
        return redis.error_reply('FORK the server was a replica')
    end
end
local traces = {}
for at = 10, #ARGV, 2 do traces[tonumber(ARGV[at])] = ARGV[at + 1] end
for number = 1, #records / 32 do
    seq = seq + 1
    local id = string.format('%s-%.0f', epoch, seq)
    local record = string.sub(records, number * 32 - 31, number * 32)
    if traces[number] then
        redis.call('XADD', KEYS[2], id, ENTRY.record, record, ENTRY.trace, traces[number])
    else
        redis.call('XADD', KEYS[2], id, ENTRY.record, record)
    end
end
if #records > 0 then
    redis.call('HSET', KEYS[1], META.seq, string.format('%.0f', seq))
    redis.call('PUBLISH', ARGV[1], records)
end
if closes ~= '' then redis.call('HSET', KEYS[1], META.closed, closes, META.certificate, ARGV[9]) end
