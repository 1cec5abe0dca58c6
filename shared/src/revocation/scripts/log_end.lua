-- The last id that a stream ever had: it survives trimming, but not the deletion of the stream.
local function last_id(log)
    local info = redis.pcall('XINFO', 'STREAM', log)
    if info.err then return '0-0' end
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then return info[i + 1] end
    end
end

-- Whether the records of an epoch end at seq. With no records yet, the stream has only lower epochs, or does not exist.
local function ends_at(log, epoch, seq)
    local last = last_id(log)
    if tonumber(seq) > 0 then return last == epoch .. '-' .. seq end
    return tonumber(string.match(last, '^%d+')) < tonumber(epoch)
end

-- Why Redis is not as the leader left it; nil if it is. `is` has the strings epoch, seq, roles (the version of the role
-- map) and history.
local function difference(meta_key, log, roles_key, is)
    local meta = redis.call(
        'HMGET', meta_key, META.epoch, META.seq, META.floor, META.roles, META.history)
    if meta[1] ~= is.epoch then
        return 'EPOCH ' .. (meta[1] or 'none')
    end
    if meta[5] ~= is.epoch .. ':' .. is.history then
        return 'FORK another history has this epoch'
    end
    if meta[2] ~= is.seq or not ends_at(log, is.epoch, is.seq) then
        return 'FORK ' .. last_id(log)
    end
    if redis.call('XLEN', log) < tonumber(is.seq) - tonumber(meta[3] or '0') then
        return 'FORK some records are gone'
    end
    if meta[4] ~= is.roles or redis.call('EXISTS', roles_key) == 0 then
        return 'FORK the role map is gone'
    end
end

-- The server's replication id, or nil if the server is a replica. A server that was a replica for a moment has another
-- id, because it may have lost records.
local function replication_id()
    local info = redis.call('INFO', 'replication')
    if not string.find(info, 'role:master', 1, true) then return nil end
    return string.match(info, 'master_replid:(%x+)')
end
