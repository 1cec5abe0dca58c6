-- The number of the filling of the Redis log. A relay takes a new one whenever it cannot know what Redis holds.
create table auth.revocation_epoch (
    only_row boolean not null default true,
    epoch bigint not null default 0,
    constraint revocation_epoch_pkey primary key (only_row),
    constraint revocation_epoch_has_one_row check (only_row),
    constraint revocation_epoch_is_not_negative check (epoch >= 0)
);

comment on table auth.revocation_epoch is 'One row: the latest epoch that any relay took.';
comment on column auth.revocation_epoch.only_row is 'Always true; the primary key that allows no second row.';
comment on column auth.revocation_epoch.epoch is 'Only grows; one more than the greater of this and what Redis held.';

insert into auth.revocation_epoch default values;
