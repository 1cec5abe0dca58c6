-- A code or a link proves the new address of a user who changes it.
alter table auth.mail_proofs
    drop constraint mail_proofs_purpose_is_known,
    add constraint mail_proofs_purpose_is_known check (
        purpose in ('registration', 'sign_in', 'link', 'email_change')
    ) not valid;

comment on column auth.mail_proofs.purpose is 'registration, sign_in, link (an account at an identity provider is linked or declined), or email_change.';
