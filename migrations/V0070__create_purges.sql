-- Old data is deleted by purges, each at an interval that all admins share.
create table auth.purges (
    name text not null,
    finished_at timestamptz not null,
    constraint purges_pkey primary key (name)
);

comment on table auth.purges is 'When each purge of old data was complete.';
comment on column auth.purges.name is 'The purge, as in metrics.';
comment on column auth.purges.finished_at is 'When it last found nothing more to delete.';
