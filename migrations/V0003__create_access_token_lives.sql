-- How long access tokens live, as far as any serving process is or was configured. A revocation must be kept
-- as long as the longest-lived token it kills, also when the life was shortened a minute ago.
create table auth.access_token_lives (
    life_seconds integer not null,
    in_force_at timestamptz not null,
    constraint access_token_lives_pkey primary key (life_seconds),
    constraint access_token_lives_are_within_bounds check (life_seconds between 1 and 3600)
);

comment on table auth.access_token_lives is 'Every life of an access token that a serving process minted with.';
comment on column auth.access_token_lives.life_seconds is 'The life, in seconds; one hour at most.';
comment on column auth.access_token_lives.in_force_at is 'When a process with this life last said that it was serving.';

-- A life counts for a day after a process last said it was in force, and such a process says so every minute.
-- Without any, the longest that can be configured: too long harms nothing.
create function auth.longest_access_token_life() returns interval
    language sql volatile
    return make_interval(secs => coalesce(
        (select max(life_seconds) from auth.access_token_lives
         where in_force_at > clock_timestamp() - interval '1 day'),
        3600));

comment on function auth.longest_access_token_life() is 'The longest life of any access token that may be alive now.';
