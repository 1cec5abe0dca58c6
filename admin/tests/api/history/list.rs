//! `GET /api/v1/me/login-history`, and the entries written to it.

use std::time::Duration;

use admin::db::Connection;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::locks::{holding, let_go};
use crate::support::{PASSWORD, Reply, TestApp, until};
use crate::witness::{
    beside, blocked, change_password, items_of, refresh, sign_in, standing, text_of, user_of,
};

async fn page(app: &TestApp, access: &str, query: &str) -> Reply {
    app.client.get(&format!("/api/v1/me/login-history{query}")).bearer(access).send().await
}

async fn events(app: &TestApp, access: &str) -> Vec<String> {
    let page = page(app, access, "?limit=100").await.expect(200).json();
    items_of(&page).iter().map(|item| text_of(item, "event")).collect()
}

#[tokio::test]
async fn the_history_lists_events_newest_first() {
    let app = TestApp::start().await;
    app.client.new_user("neo@example.org").await;
    sign_in(&app, "neo@example.org", "wrong").send().await.expect(401);
    let pair = app.client.sign_in("neo@example.org").await;
    let reused = app.client.sign_in("neo@example.org").await;
    let next = refresh(&app, &reused.refresh).send().await.pair();
    refresh(&app, &next.refresh).send().await.pair();
    refresh(&app, &reused.refresh).send().await.expect(401);
    let wrong = json!({ "current_password": "wrong", "login": "the_one" });
    app.client.put("/api/v1/me/login").bearer(&pair.access).json(&wrong).send().await.expect(403);
    let new = change_password(&app, &pair.access, "another horse, another battery").send().await.pair();

    // No response waits for the entry of a failure.
    let events = until("all are written", async || {
        Some(events(&app, &new.access).await).filter(|events| events.len() == 7)
    });
    let all =
        ["password_changed", "proof_failed", "refresh_reused", "login", "login", "login_failed", "login"];
    assert_eq!(events.await, all);
}

#[tokio::test]
async fn no_response_waits_for_the_entry_of_a_failure() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let mut blocking = app.sql().await;
    let tx = blocking.transaction().await.unwrap();
    tx.batch_execute("lock table auth.login_history in exclusive mode").await.unwrap();
    // With an account there is an entry to write, and without one there is none.
    sign_in(&app, "neo@example.org", "wrong").send().await.problem(401, "invalid_credentials");
    let waiting =
        "select count(*) from pg_locks where not granted and relation = 'auth.login_history'::regclass";
    let sql = app.sql().await;
    let waits = until("the entry waits to be written", async || {
        let row = sql.query_one(waiting, &[]).await.unwrap();
        (row.get::<_, i64>(0) > 0 || app.context.metrics.history_failures.get() > 0).then_some(())
    });
    waits.await;
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn an_entry_says_when_and_from_where() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let call = sign_in(&app, "neo@example.org", PASSWORD).header("user-agent", "film/1");
    let pair = call.header("x-forwarded-for", "2001:db8::7").send().await.pair();

    let item = page(&app, &pair.access, "").await.expect(200).json()["items"][0].clone();

    assert_eq!((&item["event"], &item["session_id"]), (&json!("login"), &json!(pair.session)));
    assert_eq!((&item["address"], &item["user_agent"]), (&json!("2001:db8::7"), &json!("film/1")));
    assert!(item["occurred_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    app.client.new_user("trinity@example.org").await;
    // Several at the same moment, so that the moment alone does not determine the end of a page.
    let fill = "insert into auth.login_history (id, occurred_at, user_id, event, request_id)
                select gen_random_uuid(), timestamptz '2026-11-01 00:00:00Z' + (n / 3) * interval '1 s', $1, 'login', n::text
                from generate_series(1, 30) n";
    app.sql().await.execute(fill, &[&user_of(&pair)]).await.unwrap();

    let whole = page(&app, &pair.access, "?limit=100").await.expect(200).json();
    assert_eq!(whole["next_cursor"], Value::Null);
    let whole = whole["items"].as_array().unwrap().clone();
    assert_eq!(whole.len(), 31);

    let (mut collected, mut query) = (Vec::new(), "?limit=7".to_owned());
    loop {
        let page = page(&app, &pair.access, &query).await.expect(200).json();
        collected.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=7&cursor={cursor}");
    }
    assert_eq!(collected, whole);
}

#[tokio::test]
async fn bad_queries_are_refused() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    for query in
        ["?limit=0", "?limit=101", "?limit=x", "?limit=", "?limit=-1", "?cursor=x", "?cursor=", "?cursor=%00"]
    {
        page(&app, &pair.access, query).await.problem(422, "validation_failed");
    }
    // Before the calendar; before PostgreSQL's; before 1970; beyond 2200.
    for micros in [i64::MIN, -240_000_000_000_000_000, -1, 7_258_118_400_000_001, i64::MAX] {
        let bytes = [micros.to_be_bytes().as_slice(), &[0; 16]].concat();
        let forged = format!("?cursor={}", URL_SAFE_NO_PAD.encode(bytes));
        page(&app, &pair.access, &forged).await.problem(422, "validation_failed");
    }
    app.client.get("/api/v1/me/login-history").send().await.problem(401, "token_missing");
}

#[tokio::test]
async fn attempts_on_unknown_users_are_recorded_without_the_name() {
    let app = TestApp::start().await;
    sign_in(&app, "hunter2@example.org", PASSWORD).send().await.expect(401);
    let sql = "select event, reason, user_id::text, login_history::text from auth.login_history";
    // Attempts on names that no account has are written together, every few seconds.
    let connection = app.sql().await;
    let row = until("it is written", async || connection.query_opt(sql, &[]).await.unwrap()).await;
    assert_eq!(
        (row.get(0), row.get(1), row.get(2)),
        ("login_failed", Some("nobody_has_that_name"), None::<&str>)
    );
    assert!(!row.get::<_, &str>(3).contains("hunter2"));
}

#[tokio::test]
async fn a_sign_in_goes_on_without_its_history() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    app.sql().await.batch_execute("alter table auth.login_history rename to somewhere_else").await.unwrap();

    let pair = app.client.sign_in("neo@example.org").await;
    standing(&app, &pair.access).await;
    sign_in(&app, "neo@example.org", "wrong").send().await.problem(401, "invalid_credentials");
    // No response waits for the entry of a failed attempt.
    until("both failures are counted", async || {
        let metrics = app.ops.get("/metrics").send().await.expect(200).text;
        metrics.contains("usher_admin_history_write_failures_total 2").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_does_not_wait_long_for_a_locked_history() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let holder = app.sql().await;
    holder.batch_execute("begin; lock table auth.login_history in access exclusive mode").await.unwrap();
    let begun = Instant::now();
    app.client.sign_in("neo@example.org").await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// A service whose pool has only one free connection left; the test holds the other one.
async fn on_one_connection() -> (TestApp, Connection) {
    let app = TestApp::start_with(&[("ADMIN_DATABASE_CONNECTIONS", "2")]).await;
    let other = app.context.db.get().await.unwrap();
    (app, other)
}

/// A very slow PostgreSQL, without a lock.
const SLOW_HISTORY: &str = "
    create function public.sleep() returns trigger language plpgsql as $$
        begin perform pg_sleep(8); return new; end $$;
    create trigger sleep before insert on auth.login_history for each row execute function public.sleep()";

#[tokio::test]
async fn a_sign_in_does_not_wait_long_for_a_slow_history() {
    let (app, _other) = on_one_connection().await;
    app.client.register("neo@example.org").await.expect(201);
    let sql = app.sql().await;
    sql.batch_execute(SLOW_HISTORY).await.unwrap();

    let begun = Instant::now();
    let signing_in = beside(sign_in(&app, "neo@example.org", PASSWORD));
    let asleep = "select from pg_catalog.pg_stat_activity
                  where datname = current_database() and wait_event = 'PgSleep'";
    until("the history hangs", async || sql.query_opt(asleep, &[]).await.unwrap()).await;
    let pair = signing_in.await.unwrap().pair();
    // The one connection of the pool was returned without an outstanding response.
    standing(&app, &pair.access).await;

    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let metrics = app.ops.get("/metrics").send().await.expect(200).text;
    assert!(metrics.contains("usher_admin_history_write_failures_total 1"), "{metrics}");
}

#[tokio::test]
async fn a_sign_in_does_not_wait_long_for_a_connection_to_write_its_history_on() {
    let (app, _other) = on_one_connection().await;
    app.client.register("neo@example.org").await.expect(201);
    // The sign-in waits for its user, which no background task locks; the test is next in the queue for the one
    // connection, and keeps it.
    let holder = holding(&app, "select from auth.users for update").await;
    let signing_in = beside(sign_in(&app, "neo@example.org", PASSWORD));
    blocked(&holder, 1).await;
    let db = app.context.db.clone();
    let taking = tokio::spawn(async move { db.get().await.unwrap() });
    tokio::task::yield_now().await;
    let_go(&holder, "select 1").await;

    let _kept = taking.await.unwrap();
    // It waits once at most, for a second; two requests that wait for the pool up to its limit are slower.
    let db = &app.context.db;
    tokio::select! {
        reply = signing_in => reply.unwrap().pair(),
        _ = async { (db.get().await.is_err(), db.get().await.is_err()) } => panic!("the sign-in waits for the pool again"),
    };
    let metrics = app.ops.get("/metrics").send().await.expect(200).text;
    assert!(metrics.contains("usher_admin_history_write_failures_total 1"), "{metrics}");
}
