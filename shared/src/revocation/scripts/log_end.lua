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
