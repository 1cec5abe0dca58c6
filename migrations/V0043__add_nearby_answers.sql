-- A refresh from another network or from another program is common; from both at once it is not. They are counted apart.
-- A previous version counts both in elsewhere_answers.
alter table auth.sessions add column nearby_answers timestamptz[] not null default '{}';

comment on column auth.sessions.nearby_answers is 'When the newest token was given again to another network or another program, but not both, the latest few.';
comment on column auth.sessions.elsewhere_answers is 'When it was given again to another network and another program, the latest few.';
