-- Counts an attempt in all of its buckets, or in none.
-- Keys: for each bucket the part of the table of this window, and that of the previous window.
-- Arguments: for each bucket what happens above its limit (refuse, downgrade, slow, refuse_if_slow or count), the type of a
-- counter, its place in the part, the bytes of a part, the limit, the length of a window and how much of it has passed in
-- seconds, and for how many seconds the part is kept.
-- Returns 0, whether the attempt is slow, and for each bucket whether it was counted there; or the number of the full bucket
-- that has room last, after how many seconds, and whether all that are full only downgrade. guessing/window.rs computes the
-- same.
local counted, slow, full, longest, downgrade = {}, 0, 0, 0, 1
for i = 1, #KEYS / 2 do
    local a = 8 * (i - 1)
    local rule, kind, place = ARGV[a + 1], ARGV[a + 2], '#' .. ARGV[a + 3]
    local limit, length, elapsed = tonumber(ARGV[a + 5]), tonumber(ARGV[a + 6]), tonumber(ARGV[a + 7])
    local now = redis.call('BITFIELD', KEYS[2 * i - 1], 'GET', kind, place)[1]
    local before = redis.call('BITFIELD', KEYS[2 * i], 'GET', kind, place)[1]
    local is_over = now * length + before * (length - elapsed) + length > limit * length
    if rule == 'slow' and is_over then slow = 1 end
    if is_over and (rule == 'refuse' or rule == 'downgrade' or (rule == 'refuse_if_slow' and slow == 1)) then
        local wait
        if now >= limit then
            wait = length - elapsed + math.ceil((now - limit + 1) * length / now)
        else
            wait = math.max(1, math.ceil((before - limit + 1 + now) * length / before) - elapsed)
        end
        if wait > longest then full, longest = i, wait end
        if rule ~= 'downgrade' then downgrade = 0 end
    end
    counted[i] = (is_over or (rule == 'refuse_if_slow' and slow == 0)) and 0 or 1
end
if full > 0 then return {full, longest, downgrade} end
for i = 1, #KEYS / 2 do
    if counted[i] == 1 then
        local a, key = 8 * (i - 1), KEYS[2 * i - 1]
        if redis.call('EXISTS', key) == 0 then
            redis.call('SETRANGE', key, tonumber(ARGV[a + 4]) - 1, '\0')
            redis.call('EXPIRE', key, ARGV[a + 8])
        end
        redis.call('BITFIELD', key, 'OVERFLOW', 'SAT', 'INCRBY', ARGV[a + 2], '#' .. ARGV[a + 3], 1)
    end
end
return {0, slow, unpack(counted)}
