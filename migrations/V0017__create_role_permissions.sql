-- What a role may do, and from which others it has more. Tokens carry the names of roles alone; what these give is
-- looked up in the map that the relay publishes, so that a change of it reaches tokens that were minted before.
alter table auth.roles
    add column is_system boolean not null default false,
    add column row_version bigint not null default 1,
    add column updated_at timestamptz not null default clock_timestamp(),
    add constraint roles_row_version_is_positive check (row_version >= 1);

comment on column auth.roles.is_system is 'Whether only the command line may change or delete it.';
comment on column auth.roles.row_version is 'Incremented by every change, so that nobody overwrites what they have not seen.';
comment on column auth.roles.updated_at is 'When it was last changed.';

create table auth.role_permissions (
    role_id uuid not null,
    permission text not null,
    constraint role_permissions_pkey primary key (role_id, permission),
    constraint role_permissions_role_exists foreign key (role_id) references auth.roles (id) on delete cascade,
    constraint role_permissions_permission_has_the_form check (
        permission ~ '^(\*|[a-z][a-z0-9_-]{0,31}:(\*|[a-z][a-z0-9_-]{0,31}))$'
    )
);

comment on table auth.role_permissions is 'What each role permits.';
comment on column auth.role_permissions.role_id is 'Which role.';
comment on column auth.role_permissions.permission is 'One action "area:action", a whole area "area:*", or everything "*".';

create table auth.role_inherits (
    role_id uuid not null,
    parent_id uuid not null,
    constraint role_inherits_pkey primary key (role_id, parent_id),
    constraint role_inherits_role_exists foreign key (role_id) references auth.roles (id) on delete cascade,
    constraint role_inherits_parent_exists foreign key (parent_id) references auth.roles (id) on delete cascade,
    constraint role_inherits_another_role check (role_id <> parent_id)
);

create index role_inherits_by_parent on auth.role_inherits (parent_id);

comment on table auth.role_inherits is 'From which roles each has all that they permit.';
comment on column auth.role_inherits.role_id is 'The role that inherits.';
comment on column auth.role_inherits.parent_id is 'The role that it inherits from.';

-- The one row is the lock of all definitions too: whoever changes one holds it until the end of the transaction.
create table auth.role_map (
    only_row boolean not null default true,
    version bigint not null default 1,
    constraint role_map_pkey primary key (only_row),
    constraint role_map_has_one_row check (only_row),
    constraint role_map_version_is_positive check (version >= 1)
);

comment on table auth.role_map is 'One row: the version of the definitions of all roles together.';
comment on column auth.role_map.only_row is 'Always true; the primary key that allows no second row.';
comment on column auth.role_map.version is 'Incremented by every change of what any role permits. Only grows.';

insert into auth.role_map default values;

-- By triggers, so that not even SQL written by hand can change a role without the sidecars hearing of it.
create function auth.role_map_changed() returns trigger
language plpgsql as $$
begin
    update auth.role_map set version = version + 1;
    perform pg_notify('usher_revocations', '');
    return null;
end
$$;

comment on function auth.role_map_changed() is 'Increments the version of the role map and wakes the relay.';

-- Title and description do not reach the sidecars.
create trigger roles_change_the_map
    after insert or delete or update of name or truncate on auth.roles
    for each statement execute function auth.role_map_changed();
create trigger role_permissions_change_the_map
    after insert or delete or update or truncate on auth.role_permissions
    for each statement execute function auth.role_map_changed();
create trigger role_inherits_change_the_map
    after insert or delete or update or truncate on auth.role_inherits
    for each statement execute function auth.role_map_changed();

-- Tokens that carry the name of a role that is gone may still live: a new role of that name would be theirs.
create table auth.retired_role_names (
    name text not null,
    until timestamptz not null,
    constraint retired_role_names_pkey primary key (name),
    constraint retired_role_names_name_has_the_form check (name ~ '^[a-z][a-z0-9_-]{0,31}$')
);

comment on table auth.retired_role_names is 'Names of roles that were deleted or renamed.';
comment on column auth.retired_role_names.name is 'The name.';
comment on column auth.retired_role_names.until is 'No role may take it before.';

alter table auth.user_roles
    add column granted_by uuid,
    add column reason text,
    add constraint user_roles_reason_is_short check (char_length(reason) <= 500);

comment on column auth.user_roles.granted_by is 'Who granted it, who may be gone since; null for the command line.';
comment on column auth.user_roles.reason is 'Why, in the words of whoever granted it.';

-- Whoever may change people ends their sessions: one of them, or all by disabling the account.
alter table auth.sessions
    drop constraint sessions_revoke_reason_is_known,
    add constraint sessions_revoke_reason_is_known check (
        revoke_reason in ('logout', 'logout_all', 'ended', 'reuse', 'password_changed', 'email_changed',
                          'login_changed', 'disabled', 'admin')
    ) not valid;
