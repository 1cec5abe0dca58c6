-- Operators list the few users who are not active, newest first.
create index users_not_active on auth.users (status, id) where status <> 'active';
