-- admin asks on every call whether the very token was revoked. Hardly any is, so the index is almost empty.
create index revocations_of_tokens on auth.revocations (key) where kind = 1;
