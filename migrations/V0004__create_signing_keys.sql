-- The keys that sign access tokens. "next" is published before it signs, "retired" as long as its tokens live.
create table auth.signing_keys (
    kid text not null,
    status text not null,
    private_sealed bytea not null,
    public_jwk jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    published_at timestamptz not null default clock_timestamp(),
    activated_at timestamptz,
    retired_at timestamptz,
    killed_at timestamptz,
    constraint signing_keys_pkey primary key (kid),
    constraint signing_keys_status_is_known check (status in ('next', 'active', 'retired', 'killed')),
    constraint signing_keys_activated_when_active check (status <> 'active' or activated_at is not null),
    constraint signing_keys_retired_when_retired check (status <> 'retired' or retired_at is not null),
    constraint signing_keys_killed_when_killed check (status <> 'killed' or killed_at is not null)
);

create unique index signing_keys_one_active on auth.signing_keys (status) where status = 'active';
create unique index signing_keys_one_next on auth.signing_keys (status) where status = 'next';

comment on table auth.signing_keys is 'Ed25519 keys of access tokens, from published to killed.';
comment on column auth.signing_keys.kid is 'The thumbprint of the public key (RFC 7638); "kid" of its tokens.';
comment on column auth.signing_keys.status is 'next, active, retired or killed; at most one next and one active.';
comment on column auth.signing_keys.private_sealed is 'Master key number, nonce, and the seed under AES-256-GCM with the kid as associated data.';
comment on column auth.signing_keys.public_jwk is 'The public key as it stands in the JWKS (RFC 7517).';
comment on column auth.signing_keys.created_at is 'When it was made.';
comment on column auth.signing_keys.published_at is 'Since when it stands in the JWKS.';
comment on column auth.signing_keys.activated_at is 'Since when it signs or signed.';
comment on column auth.signing_keys.retired_at is 'Since when it signs no more.';
comment on column auth.signing_keys.killed_at is 'Since when its tokens are refused, for ever.';
