-- The text on the processing of personal data to which a user consented, when the account was made.
create table auth.consents (
    user_id uuid not null,
    version text not null,
    given_at timestamptz not null default clock_timestamp(),
    constraint consents_pkey primary key (user_id, version),
    constraint consents_user_exists foreign key (user_id) references auth.users (id) on delete cascade,
    constraint consents_version_fits check (octet_length(version) between 1 and 64)
);

comment on table auth.consents is 'The texts to which users consented.';
comment on column auth.consents.user_id is 'The user.';
comment on column auth.consents.version is 'The version of the text, ADMIN_CONSENT_VERSION at that time.';
comment on column auth.consents.given_at is 'When the user first consented to it.';
