-- Addresses in the login history are shortened to their network after 90 days. The index has only rows whose address is
-- still whole, so the purge finds the oldest of them, and the rows that it has done leave it.
alter table auth.login_history add column is_address_short boolean not null default false;

create index login_history_whole_addresses on auth.login_history (occurred_at)
    where address is not null and not is_address_short;

comment on column auth.login_history.is_address_short is 'Whether address is only the first address of its /24 or /48.';
