-- Writes the role map with its epoch and version, and the version in meta, together; wakes readers.
-- KEYS meta, roles
-- ARGV wake, epoch, version, map, its tags
local current = redis.call('HGET', KEYS[1], META.epoch)
if current ~= ARGV[2] then
    return redis.error_reply('EPOCH ' .. (current or 'none'))
end
redis.call('SET', KEYS[2], ARGV[4])
redis.call('HSET', KEYS[1], META.roles, ARGV[3], META.roles_tags, ARGV[5])
redis.call('PUBLISH', ARGV[1], '')
