-- Opens a heartbeat. Everything that was committed before this script ran is in the snapshot that the leader takes
-- after it, and in the log when append.lua closes the heartbeat. Returns the challenges that sidecars have written by now.
-- KEYS meta, log, roles
-- ARGV epoch, seq, version of the role map, history, replication id, number of the heartbeat, the beginning of the keys of
-- challenges, and how many there are
local found = difference(
    KEYS[1], KEYS[2], KEYS[3], {epoch = ARGV[1], seq = ARGV[2], roles = ARGV[3], history = ARGV[4]})
if found then return redis.error_reply(found) end
if replication_id() ~= ARGV[5] then
    return redis.error_reply('FORK the server was a replica')
end
-- PostgreSQL, which issues the numbers, was set back: the last closed heartbeat would seem to be this one.
local opened = redis.call('HGET', KEYS[1], META.opened)
if opened and tonumber(opened) >= tonumber(ARGV[6]) then
    return redis.error_reply('FORK a later heartbeat was opened')
end
redis.call('HSET', KEYS[1], META.opened, ARGV[6])
local slots, challenges = {}, {}
for slot = 0, tonumber(ARGV[8]) - 1 do slots[#slots + 1] = ARGV[7] .. slot end
if #slots == 0 then return challenges end
for _, challenge in ipairs(redis.call('MGET', unpack(slots))) do
    if challenge then challenges[#challenges + 1] = challenge end
end
return challenges
