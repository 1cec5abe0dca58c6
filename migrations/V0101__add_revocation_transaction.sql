-- The transaction that wrote a revocation. While another session keeps an old snapshot (a backup, a report), the entries of
-- published rows stay in the index of unpublished ones, and reading past them made every publication slow. The relay begins
-- its search at the oldest transaction that was still open when it last found everything published.
alter table auth.revocations add column inserted_by xid8 not null default '0';
alter table auth.revocations alter column inserted_by set default pg_current_xact_id();

-- By transaction and not by identifier alone, because identifiers are not committed in order.
create index revocations_unpublished_by_transaction on auth.revocations (inserted_by, id) where published_epoch is null;
drop index auth.revocations_unpublished;

comment on column auth.revocations.inserted_by is 'The transaction that wrote it; 0 for rows from before this column.';
