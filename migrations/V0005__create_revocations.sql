-- What no longer counts: the truth behind the log in Redis, written in the transaction that makes it true.
create table auth.revocations (
    id bigint generated always as identity,
    kind smallint not null,
    reason smallint not null,
    key bytea not null,
    arg bigint not null,
    until timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    published_epoch bigint,
    published_seq bigint,
    constraint revocations_pkey primary key (id),
    constraint revocations_kind_is_known check (kind between 1 and 5),
    constraint revocations_reason_is_known check (reason between 1 and 2),
    constraint revocations_key_has_16_bytes check (octet_length(key) = 16),
    constraint revocations_arg_is_not_negative check (arg >= 0),
    constraint revocations_published_as_a_whole check ((published_epoch is null) = (published_seq is null))
);

-- What the relay asks for at every turn. Identifiers would not do as a cursor: they are not committed in order.
create index revocations_unpublished on auth.revocations (id) where published_epoch is null;
create index revocations_by_until on auth.revocations (until);

comment on table auth.revocations is 'Revocations, and where in the Redis log each stands.';
comment on column auth.revocations.id is 'Order of writing, which is not the order of committing.';
comment on column auth.revocations.kind is '1 token, 2 session, 3 user, 4 key, 5 everything.';
comment on column auth.revocations.reason is '1 revoked, 2 refresh needed.';
comment on column auth.revocations.key is 'The first 16 bytes of SHA-256(issuer, NUL, kind, NUL, claim text); zero for everything.';
comment on column auth.revocations.arg is 'The minimum generation for kinds 3 and 5, else zero.';
comment on column auth.revocations.until is 'When no token is left that it would refuse; null for never.';
comment on column auth.revocations.created_at is 'When it was written, by the clock at the statement.';
comment on column auth.revocations.published_epoch is 'The epoch of the log in which it was first published; every later epoch holds it as well.';
comment on column auth.revocations.published_seq is 'Its sequence number there.';
