-- The number of a heartbeat of the relay. It is unique, so that a heartbeat which one relay opened is never closed by another.
create sequence auth.revocation_heartbeats as bigint;

comment on sequence auth.revocation_heartbeats is 'Numbers of the heartbeats that the leading relay opens and closes in Redis. Gaps mean nothing.';
