-- Who someone is. Never partitioned: addresses and login names are unique over everybody.
create table auth.users (
    id uuid not null,
    login text,
    login_key text,
    email text,
    email_key text,
    password_hash text,
    password_changed_at timestamptz,
    display_name text,
    first_name text,
    last_name text,
    phone text,
    locale text,
    status text not null default 'active',
    is_superuser boolean not null default false,
    token_generation bigint not null default 1,
    row_version bigint not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint users_pkey primary key (id),
    -- The address first: where both are taken, it is the one that is named.
    constraint users_email_is_unique unique (email_key),
    constraint users_login_is_unique unique (login_key),
    constraint users_login_has_its_key check ((login is null) = (login_key is null)),
    constraint users_email_has_its_key check ((email is null) = (email_key is null)),
    constraint users_email_fits check (octet_length(email) <= 254 and octet_length(email_key) <= 254),
    constraint users_login_fits check (char_length(login) between 3 and 64 and position('@' in login) = 0),
    constraint users_status_is_known check (status in ('active', 'disabled')),
    constraint users_token_generation_is_positive check (token_generation >= 1),
    constraint users_row_version_is_positive check (row_version >= 1)
);

comment on table auth.users is 'People with an account.';
comment on column auth.users.id is 'UUIDv7, never used again; the "sub" of tokens.';
comment on column auth.users.login is 'The login name as it was typed; null for none.';
comment on column auth.users.login_key is 'The login name as it is compared: lower-cased, NFKC.';
comment on column auth.users.email is 'The e-mail address as it was typed; null for none.';
comment on column auth.users.email_key is 'The address as it is compared: lower-cased, NFC, the domain in ASCII.';
comment on column auth.users.password_hash is 'Argon2id, a PHC string; null for who signs in only through others.';
comment on column auth.users.password_changed_at is 'When the password was last set.';
comment on column auth.users.display_name is 'What others see.';
comment on column auth.users.first_name is 'As the person wrote it.';
comment on column auth.users.last_name is 'As the person wrote it.';
comment on column auth.users.phone is 'E.164, such as +79991234567.';
comment on column auth.users.locale is 'A language tag (BCP 47), such as ru-RU.';
comment on column auth.users.status is 'active, or disabled: then nothing is minted any more.';
comment on column auth.users.is_superuser is 'May do everything in admin; means nothing at nginx.';
comment on column auth.users.token_generation is 'The "gen" of new tokens. Incremented to kill all older ones.';
comment on column auth.users.row_version is 'Incremented by every change of this row; the ETag.';
comment on column auth.users.created_at is 'When the account was made.';
comment on column auth.users.updated_at is 'When this row last changed.';
