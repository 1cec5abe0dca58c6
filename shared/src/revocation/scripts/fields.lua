-- The names of the fields in Redis, for all scripts. Rust needs only those of an entry: RedisKeys has them too.
local META = {
    epoch = 'epoch', seq = 'seq', floor = 'floor', roles = 'roles', history = 'history', opened = 'hb_open', closed = 'hb',
    certificate = 'cert', roles_tags = 'roles_tags',
}
local ENTRY = {record = 'd', trace = 't'}
