-- From where a user signed in. Attempts from there are counted apart, so that no stranger can keep the user out.
-- At most 16 rows a user, for 30 days: a sign-in removes the others.
create table auth.known_networks (
    user_id uuid not null,
    prefix inet not null,
    signed_in_at timestamptz not null default clock_timestamp(),
    constraint known_networks_pkey primary key (user_id, prefix),
    constraint known_networks_user_exists foreign key (user_id) references auth.users (id) on delete cascade
);

-- For the daily removal of rows of users who no longer sign in.
create index known_networks_by_age on auth.known_networks (signed_in_at);

comment on table auth.known_networks is 'Networks from which users signed in within the last 30 days.';
comment on column auth.known_networks.user_id is 'The user.';
comment on column auth.known_networks.prefix is 'The first address of the /24 or /48.';
comment on column auth.known_networks.signed_in_at is 'The last sign-in from there, to the hour.';
