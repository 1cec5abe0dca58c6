-- 'infinity' is no moment to anybody but PostgreSQL: without an end means null.
alter table auth.user_roles add constraint user_roles_end_is_a_moment check (isfinite(expires_at));
