-- Stores a value, unless too many of its kind are stored: then 0. Ends are rounded up to seconds.
-- Keys: the value, the ends of its kind. Arguments: the owner, the value, its lifetime, its name among the ends, the most
-- values, the longest that any of them can be stored from now.
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'value', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]) + 1, ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[6])
return 1
