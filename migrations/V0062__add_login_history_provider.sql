-- An eviction unlinks accounts at identity providers, and the user must see which.
alter table auth.login_history add column provider text;

comment on column auth.login_history.provider is 'The identity provider whose account an eviction unlinked; null for other entries.';
