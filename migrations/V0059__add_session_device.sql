-- A refresh with the device token of the session is never from elsewhere, and among many sessions those whose client
-- sends its device token are the last to be ended. Sessions that are older than this file have no device.
alter table auth.sessions
    add column device_mark bytea,
    add column device_returned boolean not null default false,
    add constraint sessions_device_mark_is_short check (octet_length(device_mark) = 16) not valid;

comment on column auth.sessions.device_mark is 'Which device token was given at the sign-in: the first half of a SHA-256.';
comment on column auth.sessions.device_returned is 'Whether the client sent a device token that knew the account: at the sign-in, or this one since.';
