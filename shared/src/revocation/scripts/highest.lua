-- The epoch in meta, and the last id that the stream ever had.
-- KEYS meta, log
return {redis.call('HGET', KEYS[1], META.epoch), last_id(KEYS[2])}
