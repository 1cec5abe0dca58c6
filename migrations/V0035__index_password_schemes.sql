-- A failed sign-in takes as long as with the slowest stored scheme, so the service must know which schemes there are.
-- With this index it reads one entry for each, not one for each user. It changes only with the password.

create index users_password_scheme_idx
    on auth.users ((substring(password_hash from '^\$[^$]*\$[^$]*\$[^$]*')));
