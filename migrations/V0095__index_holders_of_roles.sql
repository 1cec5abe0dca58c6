-- Operators list the holders of a role, newest first: without the user in the index, all holders were sorted for each page.
create index user_roles_by_role_and_user on auth.user_roles (role_id, user_id);
drop index auth.user_roles_by_role;
