-- The leading relay signs a hash over all records of the log, so that a client that can write to Redis cannot remove one. The
-- next leader continues the hash. Without it an epoch is not continued.
alter table auth.revocation_handover add column chain bytea not null default '';
alter table auth.revocation_handover add column floor_chain bytea not null default '';
alter table auth.revocation_handover add column first_chains bytea[] not null default '{}';

comment on column auth.revocation_handover.chain is 'The hash over all records of the log.';
comment on column auth.revocation_handover.floor_chain is 'The hash over the records up to the floor.';
comment on column auth.revocation_handover.first_chains is 'For each of first_seqs, the hash over the records up to there.';
