//! What is deleted when it is old, by services that run.

use tokio_postgres::Client;

use crate::support::{TestApp, TestDatabase, Vars, connect, prefix, until, variables};

/// A migrated database with a user, and the variables of a service on it.
async fn prepared(changes: &[(&'static str, &str)]) -> (TestDatabase, Client, Vars) {
    let database = TestDatabase::migrated().await;
    let sql = connect(&database.url).await;
    let user = "insert into auth.users (id) values ('00000000-0000-7000-8000-000000000001')";
    sql.batch_execute(user).await.unwrap();
    let mut vars = variables(&database.url, &prefix());
    vars.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
    (database, sql, vars)
}

/// Sessions of the user: `ended_days` since they ended, `idle_days` since they were idle for too long.
async fn sessions(sql: &Client, count: i32, ended_days: Option<i32>, idle_days: i32) {
    let insert = "insert into auth.sessions (id, user_id, client_id, refresh_key, created_at, authenticated_at,
                      last_used_at, idle_expires_at, expires_at, amr, revoked_at, revoke_reason)
                  select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'cinema', 1, now(), now(), now(),
                      now() - make_interval(days => $3), now() + interval '1 year', '{pwd}',
                      now() - make_interval(days => $2), case when $2::integer is not null then 'logout' end
                  from generate_series(1, $1)";
    sql.execute(insert, &[&count, &ended_days, &idle_days]).await.unwrap();
}

async fn count(sql: &Client, table: &str) -> i64 {
    sql.query_one(&format!("select count(*) from {table}"), &[]).await.unwrap().get(0)
}

async fn await_count(sql: &Client, table: &str, expected: i64) {
    until(&format!("{table} has {expected} rows"), async || {
        (count(sql, table).await == expected).then_some(())
    })
    .await;
}

async fn await_finished(sql: &Client, purge: &str) {
    let finished = "select from auth.purges where name = $1";
    until(&format!("the purge {purge} is complete"), async || {
        sql.query_opt(finished, &[&purge]).await.unwrap().map(drop)
    })
    .await;
}

async fn metric(app: &TestApp, name: &str) -> f64 {
    let text = app.ops.get("/metrics").send().await.text;
    let line =
        text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().parse().unwrap());
    line.unwrap_or(-1.0)
}

async fn history(sql: &Client, age: &str, address: &str) {
    let insert = format!(
        "insert into auth.login_history (id, occurred_at, event, request_id, address)
         values (gen_random_uuid(), now() - interval '{age}', 'login', '{age}', '{address}')"
    );
    sql.batch_execute(&insert).await.unwrap();
}

async fn address_of(sql: &Client, age: &str) -> String {
    let address = "select host(address) from auth.login_history where request_id = $1";
    sql.query_one(address, &[&age]).await.unwrap().get(0)
}

#[tokio::test]
async fn sessions_are_deleted_30_days_after_they_ended_or_expired() {
    let (_database, sql, vars) = prepared(&[]).await;
    sessions(&sql, 1200, Some(31), -10).await;
    sessions(&sql, 1200, None, 31).await;
    sessions(&sql, 2, Some(29), -10).await;
    sessions(&sql, 3, None, 29).await;
    sessions(&sql, 4, None, -10).await;

    let app = TestApp::launch_on(vars).await;

    await_count(&sql, "auth.sessions", 9).await;
    await_finished(&sql, "sessions").await;
    assert_eq!(count(&sql, "auth.sessions").await, 9);
    until("it is counted", async || {
        let rows = metric(&app, "usher_admin_purged_rows_total{purge=\"sessions\"}").await;
        let finished = metric(&app, "usher_admin_purge_finished_timestamp_seconds{purge=\"sessions\"}").await;
        (rows == 2400.0 && finished > 1e9).then_some(())
    })
    .await;
}

#[tokio::test]
async fn several_admins_share_a_purge() {
    let (_database, sql, vars) = prepared(&[]).await;
    sessions(&sql, 5000, Some(31), -10).await;
    let apps = futures_util::future::join_all((0..3).map(|_| TestApp::launch_on(vars.clone()))).await;
    await_count(&sql, "auth.sessions", 0).await;
    await_finished(&sql, "sessions").await;
    until("each row is counted once", async || {
        let mut all = 0.0;
        for app in &apps {
            all += metric(app, "usher_admin_purged_rows_total{purge=\"sessions\"}").await.max(0.0);
        }
        (all == 5000.0).then_some(())
    })
    .await;
    for app in &apps {
        assert_eq!(metric(app, "usher_admin_purge_failures_total{purge=\"sessions\"}").await, 0.0);
    }
}

#[tokio::test]
async fn a_locked_row_is_skipped_and_nothing_waits_for_it() {
    let (_database, sql, vars) = prepared(&[]).await;
    sessions(&sql, 10, Some(31), -10).await;
    let holder = connect(&vars["DATABASE_URL"]).await;
    holder.batch_execute("begin; select from auth.sessions order by id limit 1 for update").await.unwrap();
    let _app = TestApp::launch_on(vars).await;
    await_count(&sql, "auth.sessions", 1).await;
    await_finished(&sql, "sessions").await;
    holder.batch_execute("rollback").await.unwrap();
}

#[tokio::test]
async fn what_failed_is_counted_and_stops_no_other_purge() {
    let (_database, sql, vars) = prepared(&[]).await;
    sql.batch_execute("alter table auth.known_networks rename to gone").await.unwrap();
    let app = TestApp::launch_on(vars).await;
    await_finished(&sql, "notices").await;
    assert_eq!(metric(&app, "usher_admin_purge_failures_total{purge=\"known_networks\"}").await, 1.0);
    assert_eq!(metric(&app, "usher_admin_purge_failures_total{purge=\"notices\"}").await, 0.0);
}

#[tokio::test]
async fn tokens_mails_notices_and_former_addresses_are_deleted_at_their_ages() {
    let (_database, sql, vars) = prepared(&[]).await;
    let user = "00000000-0000-7000-8000-000000000001";
    sql.batch_execute(&format!(
        "insert into auth.account_links (token_hash, user_id, purpose, expires_at)
             select sha256(convert_to(age::text, 'UTF8')), '{user}', 'reset', now() - age
             from unnest('{{25 hours, 23 hours}}'::interval[]) age;
         insert into auth.notices (id, user_id, kind, occurred_at)
             select gen_random_uuid(), '{user}', 'new_device', now() - age from unnest('{{31 days, 29 days}}'::interval[]) age;
         insert into auth.former_emails (user_id, email_hmac, withdrawn_at)
             select '{user}', sha256(convert_to(age::text, 'UTF8')), now() - age
             from unnest('{{366 days, 364 days}}'::interval[]) age;
         insert into auth.known_networks (user_id, prefix, signed_in_at)
             values ('{user}', '10.0.0.0', now() - interval '31 days'), ('{user}', '10.0.1.0', now() - interval '29 days');
         insert into auth.mail_outbox (id, kind, mailbox, recipient, parameters, not_after, next_attempt_at)
             select gen_random_uuid(), 'new_device', decode(repeat('00', 16), 'hex'), '', '', now() - age, now()
             from unnest('{{1 hour, -1 hour}}'::interval[]) age;
         insert into auth.erasures (user_id, requested_at, erased_at, origin, categories)
             select gen_random_uuid(), now() - age, now() - age, 'user', '{{}}' from unnest('{{1128 days, 1126 days}}'::interval[]) age;"
    ))
    .await
    .unwrap();
    let _app = TestApp::launch_on(vars).await;
    for table in ["account_links", "notices", "former_emails", "known_networks", "mail_outbox", "erasures"] {
        await_count(&sql, &format!("auth.{table}"), 1).await;
    }
}

#[tokio::test]
async fn addresses_are_shortened_after_90_days() {
    let (_database, sql, vars) = prepared(&[]).await;
    for (age, address) in
        [("91 days", "203.0.113.77"), ("92 days", "2001:db8:1:2::3"), ("89 days", "203.0.113.77")]
    {
        history(&sql, age, address).await;
    }
    let _app = TestApp::launch_on(vars).await;
    await_finished(&sql, "login_history_addresses").await;
    assert_eq!(address_of(&sql, "91 days").await, "203.0.113.0");
    assert_eq!(address_of(&sql, "92 days").await, "2001:db8:1::");
    assert_eq!(address_of(&sql, "89 days").await, "203.0.113.77");
}

#[tokio::test]
async fn old_months_of_the_history_are_dropped() {
    let (_database, sql, vars) = prepared(&[]).await;
    for age in ["450 days", "400 days", "300 days", "1 hour"] {
        history(&sql, age, "203.0.113.77").await;
    }
    let _app = TestApp::launch_on(vars).await;
    await_finished(&sql, "login_history").await;
    // Partitions of past months are created from the rows that are there, and those that are old are dropped.
    let drop_again = "delete from auth.purges where name = 'login_history'";
    sql.batch_execute(drop_again).await.unwrap();
    let left = "select coalesce(array_agg(request_id order by occurred_at), '{}') from auth.login_history";
    let _second = TestApp::launch_on(variables(&_database.url, &prefix())).await;
    until("only the last year is left", async || {
        let left: Vec<String> = sql.query_one(left, &[]).await.unwrap().get(0);
        (left == ["300 days", "1 hour"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_hold_keeps_old_months_and_whole_addresses() {
    let (_database, sql, vars) = prepared(&[("ADMIN_HISTORY_HOLD", "1095d")]).await;
    for age in ["450 days", "100 days"] {
        history(&sql, age, "203.0.113.77").await;
    }
    let _app = TestApp::launch_on(vars).await;
    await_finished(&sql, "login_history").await;
    await_finished(&sql, "login_history_addresses").await;
    for age in ["450 days", "100 days"] {
        assert_eq!(address_of(&sql, age).await, "203.0.113.77");
    }
}
