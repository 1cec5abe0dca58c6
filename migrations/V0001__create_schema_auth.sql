-- Everything of the service lies in one schema, so that it can share a database and be dropped as one.
create schema if not exists auth;

comment on schema auth is 'Users, roles, sessions, signing keys and revocations of the cinema.';
