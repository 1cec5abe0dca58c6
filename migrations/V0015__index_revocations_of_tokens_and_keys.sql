-- admin asks on every call whether the very token, or the key that signed it, was revoked. Hardly any is, so the
-- index is almost empty. It stands for the one of tokens alone, which the running release does without as well.
create index revocations_of_tokens_and_keys on auth.revocations (key) where kind in (1, 4);
drop index auth.revocations_of_tokens;
