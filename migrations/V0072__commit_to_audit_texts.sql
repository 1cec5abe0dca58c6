-- Personal fields of the audit log must be erasable, and its chain must stay verifiable. Rows of format 2 are sealed over a
-- commitment to each personal field, HMAC-SHA256(salt, field): without value and salt the commitment says nothing, and the
-- seal is still right. Rows of format 1, also those that the previous release adds, are sealed over the fields themselves.
alter table auth.audit_log
    add column format smallint not null default 1,
    add column texts json,
    add column address_salt bytea,
    add column address_commitment bytea,
    add column texts_salt bytea,
    add column texts_commitment bytea,
    add constraint audit_log_format_is_known check (format in (1, 2)),
    add constraint audit_log_commitments_have_their_length check (
        coalesce(octet_length(address_salt), 32) = 32 and coalesce(octet_length(address_commitment), 32) = 32
        and coalesce(octet_length(texts_salt), 32) = 32 and coalesce(octet_length(texts_commitment), 32) = 32
    );

comment on column auth.audit_log.format is 'The format of the seal: 1 over all fields, 2 over commitments to address and texts.';
comment on column auth.audit_log.texts is 'What people wrote, such as the reason; null if there is none, or it was erased.';
comment on column auth.audit_log.address_salt is 'The key of address_commitment; null if there is none, or the address was erased.';
comment on column auth.audit_log.address_commitment is 'HMAC-SHA256 of the address under address_salt.';
comment on column auth.audit_log.texts_salt is 'The key of texts_commitment; null if there is none, or the texts were erased.';
comment on column auth.audit_log.texts_commitment is 'HMAC-SHA256 of the texts under texts_salt.';
