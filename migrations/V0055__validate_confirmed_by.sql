-- On its own, because it reads every linked account: here it blocks no statement that reads or writes them.
alter table auth.oauth_accounts validate constraint oauth_accounts_confirmation_is_known;
