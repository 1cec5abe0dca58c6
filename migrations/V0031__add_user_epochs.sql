-- Devices and counters of attempts are not rows. What belongs to an account contains one of these numbers, so that all of
-- it becomes void when the number grows.
alter table auth.users
    add column device_epoch bigint not null default 1,
    add column attempt_epoch bigint not null default 0,
    add constraint users_device_epoch_is_positive check (device_epoch >= 1),
    add constraint users_attempt_epoch_is_not_negative check (attempt_epoch >= 0);

comment on column auth.users.device_epoch is 'Device tokens of an earlier epoch do not know this account.';
comment on column auth.users.attempt_epoch is 'Attempts of an earlier epoch do not count; an operator who unlocks the account begins the next.';
