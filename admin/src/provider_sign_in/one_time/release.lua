-- Gives up a claim, unless the value has expired or another attempt has claimed it.
-- Key: the value. Arguments: the number of the claim, the value for the next one.
if redis.call('HGET', KEYS[1], 'claims') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'value', ARGV[2])
return redis.call('HDEL', KEYS[1], 'attempt')
