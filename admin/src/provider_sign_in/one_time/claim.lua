-- Claims a value, after comparing its owner.
-- Key: the value. Arguments: the owner, the attempt, how long one may take.
local stored = redis.call('HMGET', KEYS[1], 'owner', 'value', 'attempt', 'since', 'kept')
if stored[1] ~= ARGV[1] and stored[1] ~= 'bearer' then return {'unknown', false} end
if stored[5] then
    if stored[3] == ARGV[2] then return {'again', stored[5]} end
    return {'unknown', false}
end
local now = tonumber(redis.call('TIME')[1])
if stored[3] and now - tonumber(stored[4]) <= tonumber(ARGV[3]) then return {'busy', false} end
redis.call('HSET', KEYS[1], 'attempt', ARGV[2], 'since', now)
return {'first', stored[2]}
