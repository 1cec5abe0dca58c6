-- When the oldest month of the audit log is dropped, the chain begins later: where is sealed, so that a database alone
-- cannot make it begin elsewhere.
create table auth.audit_starts (
    seq bigint not null,
    seal bytea not null,
    dropped_at timestamptz not null default clock_timestamp(),
    start_key smallint not null,
    start_seal bytea not null,
    constraint audit_starts_pkey primary key (seq),
    constraint audit_starts_seals_have_32_bytes check (octet_length(seal) = 32 and octet_length(start_seal) = 32),
    constraint audit_starts_key_is_a_byte check (start_key between 0 and 255)
);

comment on table auth.audit_starts is 'The last rows of dropped months of the audit log. The chain begins after the newest of them.';
comment on column auth.audit_starts.seq is 'The last dropped row.';
comment on column auth.audit_starts.seal is 'Its seal.';
comment on column auth.audit_starts.dropped_at is 'When the month was dropped.';
comment on column auth.audit_starts.start_key is 'The number of the master key behind start_seal.';
comment on column auth.audit_starts.start_seal is 'HMAC-SHA256 over seq and seal.';
