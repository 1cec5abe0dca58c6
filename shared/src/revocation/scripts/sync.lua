-- Reads the revocation log from a position, the version of the role map, and the heartbeats. Only reads: runs with
-- EVALSHA_RO.
-- KEYS meta, log   ARGV epoch and seq of the position, most records to return, history (empty: none)
-- Only a master may answer: a replica can be behind without knowing it. Two masters may have the same epoch after a
-- failover; the replication id tells them apart.
local info = redis.call('INFO', 'replication')
if not string.find(info, 'role:master', 1, true) then
    return {'NOTMASTER'}
end
local server = string.match(info, 'master_replid:(%x+)') or ''
local meta = redis.call(
    'HMGET', KEYS[1], META.epoch, META.seq, META.floor, META.roles, META.history, META.opened, META.closed, META.certificate,
    META.roles_tags)
if not meta[1] or not meta[2] then
    return {'NOEPOCH'}
end
-- The relay of an earlier release writes no history and leaves that of an earlier epoch where it is.
local owner, history = string.match(meta[5] or '', '^(%d+):(%x+)$')
if owner ~= meta[1] then history = '' end
if meta[1] ~= ARGV[1] then
    return {'EPOCH', meta[1], history}
end
if history ~= ARGV[4] then
    return {'FORK', history}
end
local last, floor, at = tonumber(meta[2]), tonumber(meta[3] or '0'), tonumber(ARGV[2])
if not last or not floor or floor > last then
    return redis.error_reply('meta of the revocation log is inconsistent')
end
if at > last then
    return {'REGRESSED'}
end
if at < floor then
    return {'TRIMMED', meta[3]}
end
local entries = {}
if at < last then
    entries = redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-' .. ARGV[2], ARGV[1] .. '-' .. meta[2], 'COUNT', ARGV[3])
end
return {
    'LOG', server, meta[2], redis.call('TIME')[1], meta[4] or '', meta[6] or '0', meta[7] or '0', entries, meta[8] or '',
    meta[9] or '',
}
