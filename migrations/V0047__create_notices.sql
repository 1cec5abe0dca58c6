-- What happened to an account that its user must know, also where no mail can be sent. At most 200 rows a user, for 30 days.
-- No foreign key: a notice is written while a session is locked, and checking the key would lock the user after it.
create table auth.notices (
    id uuid not null,
    user_id uuid not null,
    kind text not null,
    occurred_at timestamptz not null default clock_timestamp(),
    browser text,
    system text,
    network inet,
    provider text,
    constraint notices_pkey primary key (id)
);

create index notices_by_user on auth.notices (user_id, occurred_at, id);
-- For the daily removal.
create index notices_by_age on auth.notices (occurred_at);

comment on table auth.notices is 'What happened to accounts within the last 30 days that their users must know.';
comment on column auth.notices.id is 'The notice.';
comment on column auth.notices.user_id is 'The user.';
comment on column auth.notices.kind is 'What happened, such as password_changed.';
comment on column auth.notices.occurred_at is 'When.';
comment on column auth.notices.browser is 'The browser of the client, of a fixed list.';
comment on column auth.notices.system is 'The operating system of the client, of a fixed list.';
comment on column auth.notices.network is 'The first address of the client''s /24 or /48.';
comment on column auth.notices.provider is 'The identity provider, if it is about one.';
