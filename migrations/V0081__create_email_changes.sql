-- A user who changed the address can take the former one back for 72 hours: a thief of a session must not keep the account
-- by changing it. The address is reserved meanwhile. One row for a user: of several changes the first one counts.
create table auth.email_changes (
    user_id uuid not null,
    email text not null,
    email_key text not null,
    token_hash bytea not null,
    password_hash text,
    device_epoch bigint not null,
    earlier_password_hash text,
    earlier_device_epoch bigint,
    changed_at timestamptz not null default clock_timestamp(),
    undo_until timestamptz not null,
    frozen_until timestamptz,
    lifted_at timestamptz,
    undone_at timestamptz,
    undone_with text,
    constraint email_changes_pkey primary key (user_id),
    constraint email_changes_user_exists foreign key (user_id) references auth.users (id) on delete cascade,
    constraint email_changes_token_is_unique unique (token_hash),
    constraint email_changes_token_hash_has_32_bytes check (octet_length(token_hash) = 32)
);

-- What the trigger below asks for.
create index email_changes_by_email on auth.email_changes (email_key);
-- For the removal.
create index email_changes_by_end on auth.email_changes (undo_until);

-- After the unique index, which waits for a concurrent change: only then is the row of that change visible.
create function auth.refuse_reserved_email() returns trigger language plpgsql as $$
begin
    if exists (select from auth.email_changes c
               where c.email_key = new.email_key and c.user_id <> new.id and c.undone_at is null
                 and c.undo_until > clock_timestamp()) then
        raise unique_violation using message = 'the e-mail address is reserved for another user',
            constraint = 'users_email_is_not_reserved';
    end if;
    return null;
end
$$;

create trigger users_email_is_not_reserved after insert or update of email_key on auth.users
    for each row execute function auth.refuse_reserved_email();

comment on table auth.email_changes is 'Changes of an address that can be undone for 72 hours.';
comment on column auth.email_changes.user_id is 'The user.';
comment on column auth.email_changes.email is 'The former address, as it was typed.';
comment on column auth.email_changes.email_key is 'The same in lower case; no other user gets it meanwhile.';
comment on column auth.email_changes.token_hash is 'SHA-256 of the token of the link that was mailed to the former address.';
comment on column auth.email_changes.password_hash is 'The hash of the password before the change; null without a password.';
comment on column auth.email_changes.device_epoch is 'The epoch of the devices that were known before the change.';
comment on column auth.email_changes.earlier_password_hash is 'The hash of the password that a session replaced shortly before the change; null for none.';
comment on column auth.email_changes.earlier_device_epoch is 'The epoch of the devices that were known before that; null if no session replaced the password.';
comment on column auth.email_changes.changed_at is 'When the address was changed.';
comment on column auth.email_changes.undo_until is 'Until when the change can be undone.';
comment on column auth.email_changes.frozen_until is 'Until when sign-in methods cannot be changed; null if that was not asked for.';
comment on column auth.email_changes.lifted_at is 'When an operator ended that.';
comment on column auth.email_changes.undone_at is 'When the change was undone.';
comment on column auth.email_changes.undone_with is 'A tag of the request that undid it: by it a repeated request is recognised.';
comment on function auth.refuse_reserved_email() is 'Refuses an address that another user can still take back.';
