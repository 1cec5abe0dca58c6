-- Refused attempts, and those for names that no account has, are one row a bucket and window, with their number: what
-- strangers send must not grow the history.
alter table auth.login_history
    add column attempts integer,
    add constraint login_history_attempts_are_counted check (attempts >= 1);

comment on column auth.login_history.attempts is 'How many attempts the row stands for; null for one.';
