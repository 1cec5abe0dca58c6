-- A user gets an export of the account by a link that is mailed, once a day.
alter table auth.account_links
    drop constraint account_links_purpose_is_known,
    add constraint account_links_purpose_is_known check (
        purpose in ('reset', 'operator_reset', 'invitation', 'export')
    ) not valid;

alter table auth.users add column exported_at timestamptz;

comment on column auth.account_links.purpose is 'reset or export (asked for by the user), operator_reset or invitation (made by an operator).';
comment on column auth.users.exported_at is 'When the user last asked for an export.';
