-- Whoever proves an address that was only typed may say that its account is theirs. If the account is in use, that takes effect
-- after 72 hours, unless a session of the account objects. One row for a user.
create table auth.recoveries (
    user_id uuid not null,
    email_key text not null,
    began_at timestamptz not null default clock_timestamp(),
    effective_at timestamptz not null,
    objected_at timestamptz,
    constraint recoveries_pkey primary key (user_id),
    constraint recoveries_user_exists foreign key (user_id) references auth.users (id) on delete cascade
);

-- For the removal.
create index recoveries_by_time on auth.recoveries (effective_at);

comment on table auth.recoveries is 'Recoveries of accounts by their address that take effect later, and those that were refused.';
comment on column auth.recoveries.user_id is 'The user.';
comment on column auth.recoveries.email_key is 'The address that was proven, in lower case; it counts as long as the account has it.';
comment on column auth.recoveries.began_at is 'When it was proven.';
comment on column auth.recoveries.effective_at is 'From when on, for seven days, a further proof of the address is enough.';
comment on column auth.recoveries.objected_at is 'When a session of the account objected; for 30 days no other recovery begins.';
