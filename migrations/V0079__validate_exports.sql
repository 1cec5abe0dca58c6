-- On its own, so that it blocks no statement that reads or writes links.
alter table auth.account_links validate constraint account_links_purpose_is_known;
