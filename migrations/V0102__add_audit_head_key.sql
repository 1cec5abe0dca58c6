-- With which master key the last row is sealed. Whoever does not have that key cannot continue the log: during a change of the
-- master key an admin with the former one alone would seal rows after the newer key, which a verification takes for an attack.
alter table auth.audit_head add column seal_key smallint;
update auth.audit_head set seal_key = (select log.seal_key from auth.audit_log log where log.seq = audit_head.seq);

comment on column auth.audit_head.seal_key is 'The number of the master key of its seal; null before the first row.';
