-- What someone may do: roles, and who has which.
create table auth.roles (
    id uuid not null,
    name text not null,
    title text,
    description text,
    created_at timestamptz not null default clock_timestamp(),
    constraint roles_pkey primary key (id),
    constraint roles_name_is_unique unique (name),
    constraint roles_name_has_the_form check (name ~ '^[a-z][a-z0-9_-]{0,31}$')
);

create table auth.user_roles (
    user_id uuid not null,
    role_id uuid not null,
    granted_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,
    constraint user_roles_pkey primary key (user_id, role_id),
    constraint user_roles_user_exists foreign key (user_id) references auth.users (id) on delete cascade,
    constraint user_roles_role_exists foreign key (role_id) references auth.roles (id) on delete cascade
);

create index user_roles_by_role on auth.user_roles (role_id);
create index user_roles_by_end on auth.user_roles (expires_at) where expires_at is not null;

comment on table auth.roles is 'Roles that tokens carry and nginx demands.';
comment on column auth.roles.id is 'UUIDv7.';
comment on column auth.roles.name is 'The name in tokens, headers and policies.';
comment on column auth.roles.title is 'The name for people.';
comment on column auth.roles.description is 'What it is for.';
comment on column auth.roles.created_at is 'When it was made.';

comment on table auth.user_roles is 'Who has which role.';
comment on column auth.user_roles.user_id is 'Who.';
comment on column auth.user_roles.role_id is 'Which.';
comment on column auth.user_roles.granted_at is 'Since when.';
comment on column auth.user_roles.expires_at is 'Until when; null for no end. No token that carries it lives longer.';
