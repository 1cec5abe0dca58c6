-- Adds records under the ids of an epoch that is not valid yet. Readers that see them lose nothing. Records that were
-- never published are published at once.
-- KEYS meta, log
-- ARGV epoch, seq before the first, concatenated 32-byte records, wake (empty: publish nothing)
local epoch, seq, records = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local current = redis.call('HGET', KEYS[1], META.epoch)
if current and tonumber(current) >= tonumber(epoch) then
    return redis.error_reply('EPOCH ' .. current)
end
if not ends_at(KEYS[2], epoch, ARGV[2]) then
    return redis.error_reply('FORK ' .. last_id(KEYS[2]))
end
for at = 1, #records, 32 do
    seq = seq + 1
    redis.call('XADD', KEYS[2], string.format('%s-%.0f', epoch, seq), ENTRY.record, string.sub(records, at, at + 31))
end
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], records) end
