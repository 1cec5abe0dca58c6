-- On its own, because it reads every session: here it blocks no statement that reads or writes them.
alter table auth.sessions validate constraint sessions_revoke_reason_is_known;
