-- Accounts that will be erased, until then with a way back; and the records of those that were, which are also the feed by
-- which other services learn of them.
create table auth.pending_erasures (
    user_id uuid not null,
    requested_at timestamptz not null,
    due_at timestamptz not null,
    origin text not null,
    was_disabled boolean not null,
    constraint pending_erasures_pkey primary key (user_id),
    constraint pending_erasures_user_exists foreign key (user_id) references auth.users (id) on delete cascade,
    constraint pending_erasures_origin_is_known check (origin in ('user', 'operator', 'replay'))
);

create index pending_erasures_by_due on auth.pending_erasures (due_at);

comment on table auth.pending_erasures is 'Accounts that will be erased. Their status is erasing.';
comment on column auth.pending_erasures.user_id is 'The user.';
comment on column auth.pending_erasures.requested_at is 'When the erasure was requested.';
comment on column auth.pending_erasures.due_at is 'When the account is erased, unless the user keeps it.';
comment on column auth.pending_erasures.origin is 'user, operator, or replay (repeated after the database was restored).';
comment on column auth.pending_erasures.was_disabled is 'Whether the account is disabled if it is kept.';

-- No foreign key: the user is gone. The identifier is of no use without the data that it belonged to.
create table auth.erasures (
    user_id uuid not null,
    requested_at timestamptz not null,
    erased_at timestamptz not null default clock_timestamp(),
    origin text not null,
    categories text[] not null,
    acknowledged_at timestamptz,
    constraint erasures_pkey primary key (user_id),
    constraint erasures_origin_is_known check (origin in ('user', 'operator', 'replay'))
);

-- What the feed asks for.
create index erasures_unacknowledged on auth.erasures (erased_at, user_id) where acknowledged_at is null;
-- For the daily removal.
create index erasures_by_age on auth.erasures (erased_at);

comment on table auth.erasures is 'Which users were erased, for 37 months.';
comment on column auth.erasures.user_id is 'The identifier that the user had.';
comment on column auth.erasures.requested_at is 'When the erasure was requested.';
comment on column auth.erasures.erased_at is 'When it was done.';
comment on column auth.erasures.origin is 'user, operator, or replay (repeated after the database was restored).';
comment on column auth.erasures.categories is 'The categories of data that were destroyed.';
comment on column auth.erasures.acknowledged_at is 'When the reader of the feed said that it has erased the user, too.';
