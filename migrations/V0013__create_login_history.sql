-- Who signed in and who tried, a partition a month. The service makes the months; what no month takes goes
-- to the default one. No foreign key: an insert must neither wait for a user's lock nor fail with it.
create table auth.login_history (
    id uuid not null,
    occurred_at timestamptz not null default clock_timestamp(),
    user_id uuid,
    session_id uuid,
    event text not null,
    reason text,
    address inet,
    user_agent text,
    request_id text not null,
    constraint login_history_pkey primary key (id, occurred_at)
) partition by range (occurred_at);

create index login_history_of_user on auth.login_history (user_id, occurred_at desc, id desc);

create table auth.login_history_default partition of auth.login_history default;

comment on table auth.login_history is 'Sign-ins, attempts, and what ended sessions; partitioned by month in UTC.';
comment on column auth.login_history.id is 'UUIDv7.';
comment on column auth.login_history.occurred_at is 'When, by the clock of PostgreSQL.';
comment on column auth.login_history.user_id is 'Whom it concerns; null when nobody has the name that was tried.';
comment on column auth.login_history.session_id is 'The session, where there is one.';
comment on column auth.login_history.event is 'What happened, such as login or login_failed.';
comment on column auth.login_history.reason is 'Why it failed; for operators, never shown.';
comment on column auth.login_history.address is 'From which address.';
comment on column auth.login_history.user_agent is 'With which program.';
comment on column auth.login_history.request_id is 'The request, as in the log.';
comment on table auth.login_history_default is 'Rows that arrived before their month had its partition.';
