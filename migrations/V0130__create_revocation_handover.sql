-- What a leading relay leaves to the next one when it stops as planned. The next one continues its epoch in Redis if Redis
-- agrees, instead of filling a new one, which takes seconds if there are many live revocations.
create table auth.revocation_handover (
    only_row boolean not null default true,
    epoch bigint not null,
    history uuid not null,
    seq bigint not null,
    floor bigint not null,
    replication text not null,
    role_map_version bigint not null,
    ends bigint[] not null,
    first_seqs bigint[] not null,
    endless bytea[] not null,
    endless_seqs bigint[] not null,
    left_at timestamptz not null default clock_timestamp(),
    constraint revocation_handover_pkey primary key (only_row),
    constraint revocation_handover_has_one_row check (only_row)
);

comment on table auth.revocation_handover is 'At most one row: the epoch that the last leading relay left. The next leader deletes it, so that an epoch is continued at most once.';
comment on column auth.revocation_handover.only_row is 'Always true; the primary key that allows no second row.';
comment on column auth.revocation_handover.epoch is 'The epoch in Redis.';
comment on column auth.revocation_handover.history is 'The random number that names the filling of the epoch.';
comment on column auth.revocation_handover.seq is 'The last record of the log.';
comment on column auth.revocation_handover.floor is 'The last record that was trimmed.';
comment on column auth.revocation_handover.replication is 'The replication ID of the master of Redis. Another one may have lost records.';
comment on column auth.revocation_handover.role_map_version is 'The version of the role map in Redis.';
comment on column auth.revocation_handover.ends is 'The seconds at which records of the log end.';
comment on column auth.revocation_handover.first_seqs is 'For each of ends, the first record that ends then.';
comment on column auth.revocation_handover.endless is 'The records that never end.';
comment on column auth.revocation_handover.endless_seqs is 'For each of endless, where it is last in the log.';
comment on column auth.revocation_handover.left_at is 'When it was left.';
