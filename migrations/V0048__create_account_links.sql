-- Links by which the user of an account sets a password: asked for by the user, or made by an operator. At most three
-- live side by side for an account and purpose; rows are deleted a day after they expired.
create table auth.account_links (
    token_hash bytea not null,
    user_id uuid not null,
    purpose text not null,
    email_key text,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    used_at timestamptz,
    used_with text,
    constraint account_links_pkey primary key (token_hash),
    constraint account_links_user_exists foreign key (user_id) references auth.users (id) on delete cascade,
    constraint account_links_token_hash_has_32_bytes check (octet_length(token_hash) = 32),
    constraint account_links_purpose_is_known check (purpose in ('reset', 'operator_reset', 'invitation'))
);

create index account_links_by_user on auth.account_links (user_id, purpose, created_at);
-- For the daily removal.
create index account_links_by_end on auth.account_links (expires_at);

comment on table auth.account_links is 'Links by which users set a password.';
comment on column auth.account_links.token_hash is 'SHA-256 of the token in the link, which is stored nowhere.';
comment on column auth.account_links.user_id is 'The user.';
comment on column auth.account_links.purpose is 'reset (asked for by the user), operator_reset or invitation (made by an operator).';
comment on column auth.account_links.email_key is 'The address to which it was mailed, which its use proves; null for a printed link.';
comment on column auth.account_links.created_at is 'When it was made.';
comment on column auth.account_links.expires_at is 'When it expires.';
comment on column auth.account_links.used_at is 'When it was used.';
comment on column auth.account_links.used_with is 'An HMAC of the new password under the token: by it a repeated request is recognised.';
