-- A change of credentials withdraws the older refresh tokens and seals the next ones under the newest key.
comment on column auth.sessions.refresh_key is
    'The number of the master key that its refresh tokens are sealed under; a change of credentials takes the newest.';
