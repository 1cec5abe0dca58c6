-- Since when it is known that the address is the person's own. What was only typed in at registration is not: whoever
-- proves later that it is theirs is given it.
alter table auth.users
    add column email_verified_at timestamptz,
    add constraint users_verified_email_is_there check (email_verified_at is null or email is not null) not valid;

comment on column auth.users.email_verified_at is 'Since when the address is known to be the person''s; null while it is not.';
