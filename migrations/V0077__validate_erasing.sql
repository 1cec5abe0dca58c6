-- On its own, because it reads every user and session: here it blocks no statement that reads or writes them.
alter table auth.users validate constraint users_status_is_known;
alter table auth.sessions validate constraint sessions_revoke_reason_is_known;
