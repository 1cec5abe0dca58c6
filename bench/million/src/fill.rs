//! Fills a database by SQL, on the server.

use std::fmt;

use tokio_postgres::Client;

use crate::failure::BenchError;

/// How many rows of each kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amounts {
    users: u32,
    roles: u32,
    revocations: u32,
}

impl Amounts {
    /// In proportion to the number of users.
    pub(crate) fn of(users: u32) -> Self {
        Self { users, roles: 500, revocations: users / 5 }
    }
}

impl fmt::Display for Amounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, roles, revocations } = self;
        let (history, assignments) = (u64::from(*users) * 5, u64::from(*users) * 2);
        write!(
            f,
            "{users} users, {users} sessions, {history} entries of the login history, {assignments} assignments of {roles} \
             roles, {revocations} revocations, {users} entries of the audit log"
        )
    }
}

/// What both databases have: the roles that the routes name, and a few of their holders.
pub(crate) async fn few(sql: &Client) -> Result<(), BenchError> {
    let statements = "
        create schema bench;
        -- A UUIDv7 of a time in the past.
        create function bench.id(millis bigint, salt text) returns uuid language sql immutable as $$
            select (lpad(to_hex(millis), 12, '0') || '7' || substr(md5(salt), 1, 3) || 'a' || substr(md5(salt), 4, 15))::uuid
        $$;
        insert into auth.roles (id, name, title)
        values (gen_random_uuid(), 'subscriber', 'Subscriber'), (gen_random_uuid(), 'rare', 'Rare'),
               (gen_random_uuid(), 'none', 'Of no user');
        insert into auth.role_permissions select id, 'films:watch' from auth.roles where name = 'subscriber';";
    Ok(sql.batch_execute(statements).await?)
}

/// What one of them has besides.
pub(crate) async fn many(sql: &Client, amounts: Amounts) -> Result<(), BenchError> {
    for (what, statement) in steps(amounts) {
        eprintln!("million: {what}");
        sql.batch_execute(&statement).await?;
    }
    Ok(())
}

/// The hash of a password that no route of this run tries.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0IG9mIGl0cw$c28gd2hhdGV2ZXIgd2FzIHR5cGVkIGhlcmUgaXMgd3I";

fn steps(amounts: Amounts) -> Vec<(&'static str, String)> {
    let Amounts { users, roles, revocations } = amounts;
    // Over the last year, evenly.
    let year = 365_u64 * 86_400_000;
    let step = year / u64::from(users).max(1);
    let start = "(extract(epoch from clock_timestamp() - interval '365 days') * 1000)::bigint";
    let user = format!("bench.id((select at from bench.start) + n * {step}, 'user' || n)");
    vec![
        ("users", format!(
            "create table bench.start as select {start} as at;
             insert into auth.users (id, email, email_key, login, login_key, password_hash, display_name, status, created_at)
             select {user}, 'person-' || n || '@example.org', 'person-' || n || '@example.org', 'person-' || n,
                    'person-' || n, '{HASH}', 'Person ' || n, case when n % 1000 = 0 then 'disabled' else 'active' end,
                    to_timestamp(((select at from bench.start) + n * {step}) / 1000.0)
             from generate_series(1::bigint, {users}) n"
        )),
        ("sessions", format!(
            "insert into auth.sessions (id, user_id, client_id, refresh_key, created_at, authenticated_at, last_used_at,
                 idle_expires_at, expires_at, amr, address, user_agent)
             select bench.id((extract(epoch from clock_timestamp()) * 1000)::bigint - n, 'session' || n), {user}, 'cinema', 1,
                    clock_timestamp(), clock_timestamp(), clock_timestamp(), clock_timestamp() + interval '30 days',
                    clock_timestamp() + interval '180 days', '{{pwd}}', '203.0.113.7', 'Mozilla/5.0 (X11; Linux x86_64)'
             from generate_series(1::bigint, {users}) n"
        )),
        ("login history", history(users, step)),
        ("roles", format!(
            "insert into auth.roles (id, name) select gen_random_uuid(), 'role-' || n from generate_series(4, {roles}) n;
             insert into auth.role_permissions
             select id, 'area-' || substr(name, 6) || ':' || action from auth.roles, unnest('{{read,write}}'::text[]) action
             where name like 'role-%'"
        )),
        ("assignments", format!(
            "insert into auth.user_roles (user_id, role_id)
             select {user}, r.id from generate_series(1::bigint, {users}) n join auth.roles r on r.name = 'subscriber'
             where n % 10 > 0
             union all
             select {user}, r.id from generate_series(1::bigint, {users}) n join auth.roles r on r.name = 'role-' || (4 + n % ({roles} - 3))
             union all
             select {user}, r.id from generate_series(1::bigint, {users}) n join auth.roles r on r.name = 'rare' where n % 10 = 0"
        )),
        ("revocations", format!(
            "insert into auth.revocations (kind, reason, key, arg, until)
             select 2, 1, decode(md5('revoked' || n), 'hex'), 0, clock_timestamp() + interval '20 minutes'
             from generate_series(1, {revocations}) n;
             notify usher_revocations"
        )),
        // Not sealed by the key: their number is what matters here.
        ("audit log", format!(
            "insert into auth.audit_log (seq, occurred_at, actor_kind, actor_id, action, target_kind, target_id, detail, seal_key, seal)
             select head.seq + n, clock_timestamp(), 'user', {user}, 'user_viewed', 'user', ({user})::text, '{{}}', 1, sha256(n::text::bytea)
             from generate_series(1::bigint, {users}) n cross join auth.audit_head head;
             update auth.audit_head set seq = seq + {users}, occurred_at = clock_timestamp()"
        )),
        ("statistics", "analyze".to_owned()),
    ]
}

/// Five entries for each user in the months that exist, and a hundred thousand for the one who looks at the last page.
fn history(users: u32, step: u64) -> String {
    let columns = "(id, occurred_at, user_id, event, address, user_agent, request_id)";
    let values = "'login', '203.0.113.7'::inet, 'Mozilla/5.0 (X11; Linux x86_64)', md5(n::text)";
    format!(
        "insert into auth.login_history {columns}
         select bench.id((extract(epoch from at) * 1000)::bigint, 'entry' || n || ' ' || k), at,
                bench.id((select at from bench.start) + n * {step}, 'user' || n), {values}
         from generate_series(1::bigint, {users}) n cross join generate_series(1, 5) k
         cross join lateral (select clock_timestamp() - k * interval '1 hour' as at) as moment;
         insert into auth.login_history {columns}
         select bench.id((extract(epoch from at) * 1000)::bigint, 'own' || n), at,
                (select id from auth.users where email_key = 'viewer@example.org'), {values}
         from generate_series(1, least({users} / 10, 100000)) n
         cross join lateral (select clock_timestamp() - n * interval '5 seconds' as at) as moment"
    )
}
