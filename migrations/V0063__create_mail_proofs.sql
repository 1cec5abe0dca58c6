-- Mails with a code, or with a code and a link, by which the recipient proves an address. A row is written at the hand-over
-- to the mail server, and deleted an hour later. It names no account and no address, and has neither the code nor the token
-- of the link. The service bounds the number of rows; at most three live side by side for an address and purpose.
create table auth.mail_proofs (
    mail_id uuid not null,
    flow_id uuid not null,
    purpose text not null,
    address bytea not null,
    code_key smallint not null,
    is_long boolean not null,
    handed_over_at timestamptz not null default clock_timestamp(),
    used_at timestamptz,
    used_with text,
    session_id uuid,
    constraint mail_proofs_pkey primary key (mail_id),
    constraint mail_proofs_purpose_is_known check (purpose in ('registration', 'sign_in', 'link')),
    constraint mail_proofs_address_has_32_bytes check (octet_length(address) = 32),
    constraint mail_proofs_code_key_is_a_byte check (code_key between 0 and 255)
);

create index mail_proofs_by_flow on auth.mail_proofs (flow_id, handed_over_at);
create index mail_proofs_by_address on auth.mail_proofs (address, purpose, handed_over_at);
-- For the removal.
create index mail_proofs_by_hand_over on auth.mail_proofs (handed_over_at);

comment on table auth.mail_proofs is 'Mails by which their recipients prove an address.';
comment on column auth.mail_proofs.mail_id is 'The mail; its code is an HMAC of it.';
comment on column auth.mail_proofs.flow_id is 'The flow in which the code is used.';
comment on column auth.mail_proofs.purpose is 'registration, sign_in, or link (an account at an identity provider is linked or declined).';
comment on column auth.mail_proofs.address is 'An HMAC of the address in lower case.';
comment on column auth.mail_proofs.code_key is 'The number of the master key from which the code follows.';
comment on column auth.mail_proofs.is_long is 'Whether the code has ten characters instead of six digits.';
comment on column auth.mail_proofs.handed_over_at is 'When the last attempt began to hand it over to the mail server.';
comment on column auth.mail_proofs.used_at is 'When the flow was used.';
comment on column auth.mail_proofs.used_with is 'An HMAC of the request that used the flow: by it a repeated request is recognised.';
comment on column auth.mail_proofs.session_id is 'The session that it opened, if it opened one.';
