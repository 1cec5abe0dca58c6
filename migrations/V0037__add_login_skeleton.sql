-- Two login names that look alike must not belong to two people (UTS 39). The skeleton of a name is the same for all
-- names that look like it; admin computes it, because PostgreSQL does not know which characters look alike. Names that
-- already looked alike before keep their owners: only the oldest account has the skeleton.
alter table auth.users
    add column login_skeleton text,
    add column login_skeleton_of text,
    add column login_skeleton_unicode text;

create unique index users_login_skeleton_is_unique on auth.users (login_skeleton);

comment on column auth.users.login_skeleton is
    'What all login names that look like this one have in common; null if an older account has a name like it.';
comment on column auth.users.login_skeleton_of is
    'The login_key of which the skeleton was computed; another one or null until "admin migrate" has computed it.';
comment on column auth.users.login_skeleton_unicode is
    'The version of Unicode by which the skeleton was computed, such as 18.0.0.';
