-- A link that was ordered for a user without rights must not set the password of one who has got rights since. Rows written
-- before, and by the version before this one, count as ordered for a user without.
alter table auth.account_links add column is_for_operator boolean not null default false;

comment on column auth.account_links.is_for_operator is 'Whether the user held a right of this service, or was a superuser, when the link was ordered.';
comment on column auth.account_links.used_at is 'When it was used or made void.';
comment on column auth.mail_outbox.merge_key is 'Kind, user and hour of a notice: further ones are counted in this row.';
