-- A wrong master key must be told from tampering: a check value for each number under which a master key was used. It is
-- derived from the key in one direction, for this purpose alone, so it reveals nothing about the key.
create table auth.master_keys (
    id smallint not null,
    check_value bytea not null,
    first_used_at timestamptz not null default clock_timestamp(),
    constraint master_keys_pkey primary key (id),
    constraint master_keys_id_is_a_byte check (id between 0 and 255),
    constraint master_keys_check_value_has_16_bytes check (octet_length(check_value) = 16)
);

comment on table auth.master_keys is 'Check values of the master keys, which are never in the database.';
comment on column auth.master_keys.id is 'The number of the key in ADMIN_MASTER_KEYS.';
comment on column auth.master_keys.check_value is 'The first 16 bytes of an HMAC under a key derived from the master key.';
comment on column auth.master_keys.first_used_at is 'When a program first used the key.';
