-- Claims a value, after comparing its owner. Returns the value or the result, and the number of the claim.
-- Key: the value. Arguments: the owner, the attempt, how long one may take.
local stored = redis.call('HMGET', KEYS[1], 'owner', 'value', 'attempt', 'since', 'kept')
if stored[1] ~= ARGV[1] then return {'unknown', false, 0} end
if stored[5] then
    if stored[3] == ARGV[2] then return {'again', stored[5], 0} end
    return {'unknown', false, 0}
end
local now = tonumber(redis.call('TIME')[1])
if stored[3] and now - tonumber(stored[4]) <= tonumber(ARGV[3]) then return {'busy', false, 0} end
local claim = tonumber(redis.call('HGET', KEYS[1], 'claims') or '0') + 1
redis.call('HSET', KEYS[1], 'attempt', ARGV[2], 'since', now, 'claims', claim)
return {'first', stored[2], claim}
