-- A renamed role: tokens carry the former name for the rest of their lives. The role map has it meanwhile, as a role that
-- inherits the renamed one, so that no holder needs a new token.
alter table auth.retired_role_names add column role_id uuid;
alter table auth.retired_role_names
    add constraint retired_role_names_role_exists foreign key (role_id) references auth.roles (id) on delete set null;
create index retired_role_names_by_role on auth.retired_role_names (role_id);

comment on column auth.retired_role_names.role_id is 'The role that had the name and has another one; null if it was deleted.';
