-- Operators look people up by the beginning of an address or a name, newest first.
create index users_by_email_prefix on auth.users (email_key text_pattern_ops);
create index users_by_login_prefix on auth.users (login_key text_pattern_ops);
create index users_by_display_name_prefix on auth.users (lower(display_name) text_pattern_ops);
create index users_superusers on auth.users (id) where is_superuser;
