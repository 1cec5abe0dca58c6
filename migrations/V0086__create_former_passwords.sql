-- A thief of a session who changes the password before the address must not make the change of the address final: the password
-- that a session replaced is good for undoing a later change, for 72 hours.
create table auth.former_passwords (
    user_id uuid not null,
    password_hash text,
    device_epoch bigint not null,
    kept_until timestamptz not null,
    constraint former_passwords_pkey primary key (user_id),
    constraint former_passwords_user_exists foreign key (user_id) references auth.users (id) on delete cascade
);

-- For the removal.
create index former_passwords_by_end on auth.former_passwords (kept_until);

comment on table auth.former_passwords is 'Passwords that a session replaced within 72 hours; of several, the first one.';
comment on column auth.former_passwords.user_id is 'The user.';
comment on column auth.former_passwords.password_hash is 'The hash of the replaced password; null if there was none.';
comment on column auth.former_passwords.device_epoch is 'The epoch of the devices that were known until then.';
comment on column auth.former_passwords.kept_until is 'Until when it is kept.';
