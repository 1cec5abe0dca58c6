-- Deletes a value, unless another attempt has claimed it.
-- Keys: the value, the ends of its kind. Arguments: the number of the claim, the name of the value among the ends.
if redis.call('HGET', KEYS[1], 'claims') ~= ARGV[1] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[2])
return redis.call('EXPIRE', KEYS[1], 0)
