-- Hashes of imported accounts wrap an old one: its method, such as scrypt:32768:8:1, decides how long they take. The
-- index of V0035 has only the schemes without an old hash; it stays for the running release.
create index users_stored_scheme_idx
    on auth.users ((substring(password_hash from '^\$[^$]*\$[^$]*\$[^$]*|^[^$]+')));
