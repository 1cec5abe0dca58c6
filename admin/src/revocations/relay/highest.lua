-- The epoch in meta, and the last id that the stream ever had (it survives trimming).
-- KEYS meta, log
local last = '0-0'
local info = redis.pcall('XINFO', 'STREAM', KEYS[2])
if not info.err then
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then last = info[i + 1] end
    end
end
return {redis.call('HGET', KEYS[1], 'epoch'), last}
