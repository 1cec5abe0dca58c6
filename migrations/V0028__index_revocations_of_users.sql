-- admin tells a token that was revoked from one that only lacks current roles, and asks for that when the token is of an
-- older generation of its user.
create index revocations_of_users on auth.revocations (key) where kind = 3;
