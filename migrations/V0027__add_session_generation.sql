-- Everybody is signed out by one number that goes on, and not by a change of every session: that takes as long as there are
-- sessions, and keeps everybody waiting meanwhile. What is there counts as begun now. So does what a
-- program adds that does not know this column, which once everybody was signed out is too early, and so over at once: nobody is
-- let in who should not be.
do $$
begin
    execute format(
        'alter table auth.sessions add column deployment_generation bigint not null default %s',
        (select generation from auth.deployment)
    );
end
$$;

comment on column auth.sessions.deployment_generation is
    'auth.deployment.generation when it began; once that has gone on, the session is over.';
