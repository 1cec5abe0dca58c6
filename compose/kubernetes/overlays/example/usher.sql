-- The database of Usher and its only user, made when the server makes its data. Not a superuser: the owner of one
-- database. `admin migrate` needs that, and so does `admin serve`, which makes next months' partitions.
\set password `cat /run/secrets/database_password`
create role usher login password :'password';
create database usher owner usher;
revoke connect, temporary on database usher from public;
