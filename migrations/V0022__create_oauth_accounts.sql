-- Who somebody is at an identity provider. Found by provider and subject alone, never by an address: the primary key
-- is what makes a person there one person here.
create table auth.oauth_accounts (
    provider text not null,
    subject text not null,
    user_id uuid not null,
    email text,
    is_email_vouched boolean not null default false,
    display_name text,
    linked_at timestamptz not null default clock_timestamp(),
    linked_rule smallint not null,
    last_login_at timestamptz,
    constraint oauth_accounts_pkey primary key (provider, subject),
    constraint oauth_accounts_one_of_a_provider unique (provider, user_id),
    constraint oauth_accounts_user_exists foreign key (user_id) references auth.users (id) on delete cascade,
    constraint oauth_accounts_provider_has_the_form check (provider ~ '^[a-z][a-z0-9-]{0,31}$'),
    constraint oauth_accounts_subject_fits check (octet_length(subject) between 1 and 255),
    constraint oauth_accounts_email_fits check (octet_length(email) <= 254),
    constraint oauth_accounts_display_name_fits check (char_length(display_name) <= 64),
    constraint oauth_accounts_rule_is_known check (linked_rule between 1 and 9)
) partition by list (provider);

create index oauth_accounts_of_user on auth.oauth_accounts (user_id);

create table auth.oauth_accounts_google partition of auth.oauth_accounts for values in ('google');
create table auth.oauth_accounts_yandex partition of auth.oauth_accounts for values in ('yandex');
create table auth.oauth_accounts_vk partition of auth.oauth_accounts for values in ('vk');
create table auth.oauth_accounts_mailru partition of auth.oauth_accounts for values in ('mailru');
create table auth.oauth_accounts_github partition of auth.oauth_accounts for values in ('github');
create table auth.oauth_accounts_x partition of auth.oauth_accounts for values in ('x');
create table auth.oauth_accounts_facebook partition of auth.oauth_accounts for values in ('facebook');
create table auth.oauth_accounts_default partition of auth.oauth_accounts default;

comment on table auth.oauth_accounts is 'Accounts at identity providers, linked to people; partitioned by provider.';
comment on column auth.oauth_accounts.provider is 'Which provider, by its name in the configuration.';
comment on column auth.oauth_accounts.subject is 'Who it is there; never given to another person.';
comment on column auth.oauth_accounts.user_id is 'Who it is here; at most one account of a provider each.';
comment on column auth.oauth_accounts.email is 'The address there at the last sign-in. Nobody is ever found by it.';
comment on column auth.oauth_accounts.is_email_vouched is 'Whether the provider vouched that it was theirs.';
comment on column auth.oauth_accounts.display_name is 'The name there at the last sign-in.';
comment on column auth.oauth_accounts.linked_at is 'When the two became one.';
comment on column auth.oauth_accounts.linked_rule is 'By which rule of docs/social.md, for support.';
comment on column auth.oauth_accounts.last_login_at is 'When somebody last signed in with it; null while nobody did.';
comment on table auth.oauth_accounts_default is 'Those of providers that have no partition of their own.';
