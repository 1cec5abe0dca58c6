-- An account that will be erased is neither active nor disabled: its user can still keep it. Every release mints tokens only
-- for active accounts. Its sessions end when the erasure begins.
alter table auth.users
    drop constraint users_status_is_known,
    add constraint users_status_is_known check (status in ('active', 'disabled', 'erasing')) not valid;

alter table auth.sessions
    drop constraint sessions_revoke_reason_is_known,
    add constraint sessions_revoke_reason_is_known check (
        revoke_reason in ('logout', 'logout_all', 'ended', 'reuse', 'password_changed', 'email_changed',
                          'login_changed', 'disabled', 'admin', 'email_claimed', 'unlinked', 'evicted', 'erasing')
    ) not valid;

comment on column auth.users.status is 'active; disabled, or erasing (it will be erased): then nothing is minted any more.';
