-- Uses a value up, and keeps the result in its place, unless another attempt has claimed the value.
-- Keys: the value, the ends of its kind. Arguments: the number of the claim, the result, how long it is kept, its name
-- among the ends, the longest that any of them can be stored from now.
if redis.call('HGET', KEYS[1], 'claims') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'value', 'since')
redis.call('HSET', KEYS[1], 'kept', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], tonumber(redis.call('TIME')[1]) + tonumber(ARGV[3]) + 1, ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 1
