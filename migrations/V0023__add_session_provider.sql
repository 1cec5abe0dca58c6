-- Which sessions end when an account at a provider is unlinked, and what else ends sessions now.
alter table auth.sessions
    add column provider text,
    add constraint sessions_provider_has_the_form check (provider ~ '^[a-z][a-z0-9-]{0,31}$') not valid,
    drop constraint sessions_revoke_reason_is_known,
    add constraint sessions_revoke_reason_is_known check (
        revoke_reason in ('logout', 'logout_all', 'ended', 'reuse', 'password_changed', 'email_changed',
                          'login_changed', 'disabled', 'admin', 'email_claimed', 'unlinked')
    ) not valid;

comment on column auth.sessions.provider is 'Through which identity provider it began; null for a password.';
