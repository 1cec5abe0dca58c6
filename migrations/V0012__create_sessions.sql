-- One row per sign-in. There is no row per refresh token: the token of a counter is made from the counter.
create table auth.sessions (
    id uuid not null,
    user_id uuid not null,
    client_id text not null,
    refresh_key smallint not null,
    counter bigint not null default 0,
    revoked_below bigint not null default 0,
    rotated_at timestamptz,
    rotated_prefix inet,
    rotated_user_agent text,
    concurrent_answers integer not null default 0,
    elsewhere_answers timestamptz[] not null default '{}',
    created_at timestamptz not null,
    authenticated_at timestamptz not null,
    last_used_at timestamptz not null,
    idle_expires_at timestamptz not null,
    expires_at timestamptz not null,
    amr text[] not null,
    address inet,
    user_agent text,
    device_name text,
    revoked_at timestamptz,
    revoke_reason text,
    constraint sessions_pkey primary key (id),
    constraint sessions_user_exists foreign key (user_id) references auth.users (id) on delete cascade,
    constraint sessions_refresh_key_is_a_byte check (refresh_key between 0 and 255),
    constraint sessions_counter_only_grows check (counter >= 0 and revoked_below between 0 and counter),
    constraint sessions_concurrent_answers_are_counted check (concurrent_answers >= 0),
    constraint sessions_revoked_for_a_reason check ((revoked_at is null) = (revoke_reason is null)),
    constraint sessions_revoke_reason_is_known check (
        revoke_reason in ('logout', 'logout_all', 'ended', 'reuse', 'password_changed', 'email_changed', 'login_changed')
    )
) with (fillfactor = 80);

-- Purposefully nothing that a refresh changes: so it rewrites the row in its page and no index entry.
create index sessions_of_user on auth.sessions (user_id);

comment on table auth.sessions is 'Sign-ins, and the state of the one refresh token that each has.';
comment on column auth.sessions.id is 'UUIDv7; the "sid" of tokens.';
comment on column auth.sessions.user_id is 'Whose.';
comment on column auth.sessions.client_id is 'Through which client.';
comment on column auth.sessions.refresh_key is 'The number of the master key that all its refresh tokens are sealed under.';
comment on column auth.sessions.counter is 'The newest refresh token.';
comment on column auth.sessions.revoked_below is 'Refresh tokens with a lower counter were withdrawn when credentials changed.';
comment on column auth.sessions.rotated_at is 'When counter last grew; null while it never did.';
comment on column auth.sessions.rotated_prefix is 'The network that the rotation was asked for from.';
comment on column auth.sessions.rotated_user_agent is 'The program that asked for it.';
comment on column auth.sessions.concurrent_answers is 'How often the newest token was given again at the same time.';
comment on column auth.sessions.elsewhere_answers is 'When it was given again to another network or program, the latest few.';
comment on column auth.sessions.created_at is 'When the person signed in.';
comment on column auth.sessions.authenticated_at is 'When they last proved who they are; the "auth_time" of tokens.';
comment on column auth.sessions.last_used_at is 'When it was last refreshed.';
comment on column auth.sessions.idle_expires_at is 'It ends then, unless refreshed.';
comment on column auth.sessions.expires_at is 'It ends then in any case.';
comment on column auth.sessions.amr is 'How they proved it (RFC 8176).';
comment on column auth.sessions.address is 'From which address it was last used.';
comment on column auth.sessions.user_agent is 'With which program.';
comment on column auth.sessions.device_name is 'What the person calls the device.';
comment on column auth.sessions.revoked_at is 'When it was ended; null while it stands.';
comment on column auth.sessions.revoke_reason is 'What ended it.';
