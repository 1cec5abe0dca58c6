-- Which address is known to be the person's own. What was only typed in at registration is not: whoever proves later
-- that it is theirs is given it. The address itself, and not merely that one was proved: a program that does not know
-- this column and changes the address leaves nothing proved behind.
alter table auth.users add column verified_email_key text;

comment on column auth.users.verified_email_key is 'The address, as email_key has it, that is known to be the person''s; it counts only while the two are equal.';

-- Whoever runs the service said so when they made them.
update auth.users set verified_email_key = email_key where is_superuser;
