-- On its own, so that it blocks no statement that reads or writes proofs.
alter table auth.mail_proofs validate constraint mail_proofs_purpose_is_known;
