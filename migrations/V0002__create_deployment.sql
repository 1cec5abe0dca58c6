-- One row for the whole deployment: the generation that every access token carries as "ggen".
create table auth.deployment (
    only_row boolean not null default true,
    generation bigint not null default 1,
    constraint deployment_pkey primary key (only_row),
    constraint deployment_has_one_row check (only_row),
    constraint deployment_generation_is_positive check (generation >= 1)
);

comment on table auth.deployment is 'One row: what is true of the deployment as a whole.';
comment on column auth.deployment.only_row is 'Always true; the primary key that allows no second row.';
comment on column auth.deployment.generation is 'Tokens with a lower "ggen" are refused. Incremented to revoke everything.';

insert into auth.deployment default values;
