-- The epoch in meta, the last id that the stream ever had, and the replication id of the server.
-- KEYS meta, log
local replication = replication_id()
if not replication then return redis.error_reply('NOTMASTER') end
return {redis.call('HGET', KEYS[1], META.epoch), last_id(KEYS[2]), replication}
