-- Addresses that accounts lost to their owners. Operators find the account by the former address; it is not stored, only an
-- HMAC of it under a key that is not in the database.
create table auth.former_emails (
    user_id uuid not null,
    email_hmac bytea not null,
    withdrawn_at timestamptz not null default clock_timestamp(),
    constraint former_emails_pkey primary key (user_id, email_hmac),
    constraint former_emails_user_exists foreign key (user_id) references auth.users (id) on delete cascade,
    constraint former_emails_hmac_has_its_length check (octet_length(email_hmac) = 32)
);

create index former_emails_by_hmac on auth.former_emails (email_hmac);

-- For the daily removal.
create index former_emails_by_age on auth.former_emails (withdrawn_at);

comment on table auth.former_emails is 'Addresses that accounts lost to their owners, for twelve months.';
comment on column auth.former_emails.user_id is 'The account that had the address.';
comment on column auth.former_emails.email_hmac is 'HMAC-SHA256 of the key of the address, under a key derived from a master key.';
comment on column auth.former_emails.withdrawn_at is 'When the account lost it.';
