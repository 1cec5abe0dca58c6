-- Takes an attempt back where it was counted, unless that window is over.
-- Keys: for each bucket the part of the table. Arguments: for each the type of a counter, and its place in the part.
for i, key in ipairs(KEYS) do
    if redis.call('EXISTS', key) == 1 then
        redis.call('BITFIELD', key, 'OVERFLOW', 'SAT', 'INCRBY', ARGV[2 * i - 1], '#' .. ARGV[2 * i], -1)
    end
end
return 1
