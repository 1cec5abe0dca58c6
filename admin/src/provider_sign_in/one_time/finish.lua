-- Uses a value up, and keeps the result of the attempt in its place, unless another attempt has claimed the value.
-- Keys: the value, the ends of its kind. Arguments: the owner, the attempt, the result, how long it is kept, its name
-- among the ends, the longest that any of them can be stored from now.
if redis.call('HGET', KEYS[1], 'attempt') ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'value', 'since')
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'attempt', ARGV[2], 'kept', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], tonumber(redis.call('TIME')[1]) + tonumber(ARGV[4]) + 1, ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[6])
return 1
