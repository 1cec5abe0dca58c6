-- A client whose response was lost repeats the request that kept an account, and gets the same result: within a minute it is
-- known which erasure that was.
create table auth.kept_erasures (
    user_id uuid not null,
    requested_at timestamptz not null,
    kept_at timestamptz not null default clock_timestamp(),
    constraint kept_erasures_pkey primary key (user_id),
    constraint kept_erasures_user_exists foreign key (user_id) references auth.users (id) on delete cascade
);

-- For the daily removal.
create index kept_erasures_by_age on auth.kept_erasures (kept_at);

comment on table auth.kept_erasures is 'Accounts that were kept after their erasure had begun, for a day: the last time of each user.';
comment on column auth.kept_erasures.user_id is 'The user.';
comment on column auth.kept_erasures.requested_at is 'When the erasure was requested.';
comment on column auth.kept_erasures.kept_at is 'When the account was kept.';
