-- Stores a value, and counts it within a window as long as its lifetime: 0 when there are too many.
-- Keys: the value, the counter. Arguments: the owner, the value, its lifetime, the most values.
local count = redis.call('INCR', KEYS[2])
if count == 1 then redis.call('EXPIRE', KEYS[2], ARGV[3]) end
if count > tonumber(ARGV[4]) then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'value', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
