-- Mails that wait to be handed over to the mail server, each written in the transaction that causes it. A row is deleted
-- at hand-over, so nothing here says later who got a mail. The service bounds the number of rows.
create table auth.mail_outbox (
    id uuid not null,
    kind text not null,
    mailbox bytea not null,
    language text,
    recipient bytea not null,
    parameters bytea not null,
    merge_key text,
    times integer not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    not_after timestamptz not null,
    attempts integer not null default 0,
    next_attempt_at timestamptz not null,
    constraint mail_outbox_pkey primary key (id),
    constraint mail_outbox_mailbox_has_16_bytes check (octet_length(mailbox) = 16),
    constraint mail_outbox_times_is_positive check (times >= 1),
    constraint mail_outbox_attempts_is_not_negative check (attempts >= 0)
);

-- What a worker asks for.
create index mail_outbox_by_next_attempt on auth.mail_outbox (next_attempt_at, id);
-- Notices of one kind and hour are one mail.
create unique index mail_outbox_is_merged on auth.mail_outbox (mailbox, merge_key) where merge_key is not null;

comment on table auth.mail_outbox is 'Mails that wait to be handed over to the mail server.';
comment on column auth.mail_outbox.id is 'The mail; its Message-ID is made of it, so that a mail that is sent twice has one.';
comment on column auth.mail_outbox.kind is 'The kind of mail, such as password_changed.';
comment on column auth.mail_outbox.mailbox is 'An HMAC of the mailbox, in which spellings of one mailbox are the same.';
comment on column auth.mail_outbox.language is 'en or ru; null for the default of the service.';
comment on column auth.mail_outbox.recipient is 'The address, sealed under the master key.';
comment on column auth.mail_outbox.parameters is 'What the text needs, as JSON, sealed under the master key.';
comment on column auth.mail_outbox.merge_key is 'Kind and hour of a notice: further ones are counted in this row.';
comment on column auth.mail_outbox.times is 'How many notices it stands for.';
comment on column auth.mail_outbox.created_at is 'When it was caused.';
comment on column auth.mail_outbox.not_after is 'After this it is deleted unsent.';
comment on column auth.mail_outbox.attempts is 'How many attempts to send it have begun.';
comment on column auth.mail_outbox.next_attempt_at is 'When the next one may begin; while one is running, when it counts as lost.';
