-- An account at a provider is linked to a user who exists, or a user is created with it. The rule told which, as long as
-- only rules 4 and 7 linked to existing users; now rules 8 and 9 may do both.
alter table auth.oauth_accounts
    add column confirmed_by text,
    add constraint oauth_accounts_confirmation_is_known check (confirmed_by in ('password', 'provider', 'mail')) not valid;

comment on column auth.oauth_accounts.confirmed_by is 'How the user confirmed that it belongs to the account here; null if the rule required no confirmation.';
