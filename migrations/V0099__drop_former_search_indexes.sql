-- Searches use the forms of V0030 since that release: these two only cost space, and time for every change of a user.
drop index auth.users_by_login_prefix;
drop index auth.users_by_display_name_prefix;
