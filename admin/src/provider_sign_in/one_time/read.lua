-- Reads a value that was not used, after comparing its owner.
-- Key: the value. Argument: the owner.
local stored = redis.call('HMGET', KEYS[1], 'owner', 'value')
if stored[1] ~= ARGV[1] then return false end
return stored[2]
