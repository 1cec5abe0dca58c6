-- Who did what to whom: a chain, each row sealed with a key that the database does not hold.
create table auth.audit_log (
    seq bigint not null,
    occurred_at timestamptz not null,
    actor_kind text not null,
    actor_id uuid,
    action text not null,
    target_kind text not null,
    target_id text not null,
    -- json and not jsonb: kept to the letter, because it is sealed to the letter.
    detail json not null,
    address inet,
    request_id text,
    seal_key smallint not null,
    seal bytea not null,
    constraint audit_log_pkey primary key (seq),
    constraint audit_log_seq_is_positive check (seq >= 1),
    constraint audit_log_actor_kind_is_known check (actor_kind in ('user', 'command', 'service')),
    constraint audit_log_users_have_an_id check (actor_kind <> 'user' or actor_id is not null),
    constraint audit_log_seal_key_is_a_byte check (seal_key between 0 and 255),
    constraint audit_log_seal_has_32_bytes check (octet_length(seal) = 32)
);

create index audit_log_by_actor on auth.audit_log (actor_id, seq) where actor_id is not null;
create index audit_log_by_target on auth.audit_log (target_id, seq);

comment on table auth.audit_log is 'What was changed by those who may change others, in order and without a gap.';
comment on column auth.audit_log.seq is 'From 1, without a gap.';
comment on column auth.audit_log.occurred_at is 'When, by the clock of PostgreSQL; never before the row before it.';
comment on column auth.audit_log.actor_kind is 'user, command (typed by an operator) or service (done by itself when the time came).';
comment on column auth.audit_log.actor_id is 'The user who did it.';
comment on column auth.audit_log.action is 'What was done, such as role_assigned.';
comment on column auth.audit_log.target_kind is 'What it was done to: user, role or key.';
comment on column auth.audit_log.target_id is 'Which one.';
comment on column auth.audit_log.detail is 'What else belongs to it, the words of whoever gave a role among them; never a secret.';
comment on column auth.audit_log.address is 'From which address it was asked for.';
comment on column auth.audit_log.request_id is 'The request, as in the log.';
comment on column auth.audit_log.seal_key is 'The number of the master key behind the seal.';
comment on column auth.audit_log.seal is 'HMAC-SHA256 over the seal before it and this row.';

-- One row: where the chain ends. Locked by whoever adds to it, as the last lock of their transaction.
create table auth.audit_head (
    only_row boolean not null default true,
    seq bigint not null default 0,
    occurred_at timestamptz not null default '-infinity',
    seal bytea not null default decode(repeat('00', 32), 'hex'),
    constraint audit_head_pkey primary key (only_row),
    constraint audit_head_has_one_row check (only_row),
    constraint audit_head_seal_has_32_bytes check (octet_length(seal) = 32)
);

comment on table auth.audit_head is 'One row: the end of the audit log.';
comment on column auth.audit_head.only_row is 'Always true; the primary key that allows no second row.';
comment on column auth.audit_head.seq is 'The last row; 0 for none.';
comment on column auth.audit_head.occurred_at is 'When that was.';
comment on column auth.audit_head.seal is 'Its seal; zeroes for none.';

insert into auth.audit_head default values;
