-- A person has at most 50 live sessions: one more sign-in ends another session, and says so.
alter table auth.sessions
    drop constraint sessions_revoke_reason_is_known,
    add constraint sessions_revoke_reason_is_known check (
        revoke_reason in ('logout', 'logout_all', 'ended', 'reuse', 'password_changed', 'email_changed',
                          'login_changed', 'disabled', 'admin', 'email_claimed', 'unlinked', 'evicted')
    ) not valid;
