-- On its own, because it reads every session: here it holds up nobody who reads or writes them.
alter table auth.sessions
    validate constraint sessions_provider_has_the_form,
    validate constraint sessions_revoke_reason_is_known;
