//! `POST /api/v1/auth/refresh`: every row of its table, against the real database.

use futures_util::future::join_all;
use serde_json::json;
use std::collections::HashSet;

use crate::support::{Call, Pair, Proxy, Reply, TestApp, TestDatabase, variables};
use crate::witness::{alive, change_password, dead, refresh, session_of, standing};

/// A signed-in user of a fresh service.
pub(super) async fn signed_in() -> (TestApp, Pair) {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    (app, pair)
}

pub(super) async fn change(app: &TestApp, set: &str) {
    app.sql().await.batch_execute(&format!("update auth.sessions set {set}")).await.unwrap();
}

pub(super) async fn rotated_ago(app: &TestApp, span: &str) {
    change(app, &format!("rotated_at = clock_timestamp() - interval '{span}'")).await;
}

#[track_caller]
pub(super) fn caused(reply: Reply, cause: &str) -> Pair {
    assert_eq!(
        (reply.status, reply.headers.get("x-refresh-cause").and_then(|c| c.to_str().ok())),
        (200, Some(cause)),
        "{reply:?}"
    );
    reply.pair()
}

/// From another network than that of the tests.
pub(super) fn from_nearby(call: Call) -> Call {
    call.header("x-forwarded-for", "198.51.100.7")
}

/// From another network, and another program.
pub(super) fn from_elsewhere(call: Call) -> Call {
    from_nearby(call).header("user-agent", "another program")
}

/// How many answers to another origin the login history has.
pub(super) async fn seen(app: &TestApp) -> i64 {
    let sql = "select count(*) from auth.login_history where event = 'refresh_elsewhere'";
    app.sql().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn the_newest_token_brings_the_next() {
    let (app, pair) = signed_in().await;
    let next = caused(refresh(&app, &pair.refresh).send().await, "current");
    assert_ne!((&next.refresh, &next.access), (&pair.refresh, &pair.access));
    assert_eq!(next.session, pair.session);
    standing(&app, &next.access).await;
    standing(&app, &pair.access).await;
    caused(refresh(&app, &next.refresh).send().await, "current");
}

#[tokio::test]
async fn fifty_at_once_bring_one_child() {
    let (app, pair) = signed_in().await;
    let replies = join_all((0..50).map(|_| refresh(&app, &pair.refresh).send())).await;
    let causes: Vec<_> = replies.iter().map(|reply| reply.header("x-refresh-cause").to_owned()).collect();
    assert_eq!(causes.iter().filter(|cause| *cause == "current").count(), 1);
    assert_eq!(causes.iter().filter(|cause| *cause == "concurrent").count(), 49);
    let pairs: Vec<_> = replies.into_iter().map(Reply::pair).collect();
    let children: HashSet<_> = pairs.iter().map(|pair| &pair.refresh).collect();
    assert_eq!(children.len(), 1);
    for pair in &pairs {
        alive(&app, &pair.access).await;
    }

    let next = caused(refresh(&app, &pairs[0].refresh).send().await, "current");
    refresh(&app, &pair.refresh).send().await.problem(401, "refresh_token_reused");
    dead(&app, &next.access).await;
    dead(&app, &pairs[7].access).await;
}

#[tokio::test]
async fn a_used_up_token_ends_the_session_everywhere() {
    let (app, pair) = signed_in().await;
    let second = refresh(&app, &pair.refresh).send().await.pair();
    let third = refresh(&app, &second.refresh).send().await.pair();

    refresh(&app, &pair.refresh).send().await.problem(401, "refresh_token_reused");

    for access in [&pair.access, &second.access, &third.access] {
        dead(&app, access).await;
    }
    for token in [&pair.refresh, &second.refresh, &third.refresh] {
        refresh(&app, token).send().await.problem(401, "session_revoked");
    }
}

#[tokio::test]
async fn garbage_is_refused_without_the_database() {
    let database = TestDatabase::migrated().await;
    let (proxy, url) = Proxy::before(&database.url).unwrap();
    let mut app = TestApp::launch_on(variables(&url, &crate::support::prefix())).await;
    app.await_ready().await;
    let pair = app.client.new_user("neo@example.org").await;

    proxy.refuse();
    let mut forged = pair.refresh.clone().into_bytes();
    forged[20] = if forged[20] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for token in ["", "x", "v1.", &pair.access, &forged, &"v1.".repeat(100)] {
        refresh(&app, token).send().await.problem(401, "refresh_token_invalid");
    }
    refresh(&app, &pair.refresh).send().await.problem(503, "dependency_unavailable");

    proxy.restore();
    app.stop().await.unwrap();
}

#[tokio::test]
async fn another_body_is_not_a_refresh() {
    let app = TestApp::start().await;
    for body in
        [json!({}), json!({ "refresh_token": null }), json!({ "refresh_token": 7 }), json!({ "token": "x" })]
    {
        app.client.post("/api/v1/auth/refresh").json(&body).send().await.problem(422, "validation_failed");
    }
    app.client.post("/api/v1/auth/refresh").send().await.problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_session_that_is_gone_is_unknown() {
    let (app, pair) = signed_in().await;
    app.sql().await.batch_execute("delete from auth.sessions").await.unwrap();
    refresh(&app, &pair.refresh).send().await.problem(401, "refresh_token_unknown");
}

#[tokio::test]
async fn a_disabled_user_gets_nothing_and_keeps_the_session_for_later() {
    let (app, pair) = signed_in().await;
    let sql = app.sql().await;
    sql.batch_execute("update auth.users set status = 'disabled'").await.unwrap();
    refresh(&app, &pair.refresh).send().await.problem(401, "session_revoked");
    app.client.get("/api/v1/me").bearer(&pair.access).send().await.problem(401, "token_revoked");
    sql.batch_execute("update auth.users set status = 'active'").await.unwrap();
    caused(refresh(&app, &pair.refresh).send().await, "current");
}

#[tokio::test]
async fn both_ends_end_a_session() {
    for end in ["idle_expires_at", "expires_at"] {
        let (app, pair) = signed_in().await;
        change(&app, &format!("{end} = clock_timestamp()")).await;
        refresh(&app, &pair.refresh).send().await.problem(401, "session_expired");
    }
}

#[tokio::test]
async fn a_refresh_moves_the_idle_end_but_never_beyond_the_absolute_one() {
    let (app, pair) = signed_in().await;
    change(&app, "idle_expires_at = clock_timestamp() + interval '5 s', expires_at = clock_timestamp() + interval '90 s'").await;
    let reply = refresh(&app, &pair.refresh).send().await;
    let body = reply.json();
    for name in ["expires_in", "refresh_expires_in"] {
        let left = body[name].as_u64().unwrap();
        assert!((80..=90).contains(&left), "{name}: {left}");
    }
}

#[tokio::test]
async fn the_previous_token_is_valid_for_ten_seconds_from_any_address() {
    let (app, pair) = signed_in().await;
    let child = refresh(&app, &pair.refresh).send().await.pair();
    rotated_ago(&app, "9 s").await;
    let again = caused(from_nearby(refresh(&app, &pair.refresh)).send().await, "concurrent");
    assert_eq!(again.refresh, child.refresh);
    standing(&app, &again.access).await;
}

#[tokio::test]
async fn concurrent_refreshes_are_accepted_two_hundred_times_for_each_rotation() {
    let (app, pair) = signed_in().await;
    let child = refresh(&app, &pair.refresh).send().await.pair();
    change(&app, "concurrent_answers = 199").await;
    caused(refresh(&app, &pair.refresh).send().await, "concurrent");
    caused(refresh(&app, &pair.refresh).send().await, "retry");
    // A rotation resets the count.
    caused(refresh(&app, &child.refresh).send().await, "current");
    caused(refresh(&app, &child.refresh).send().await, "concurrent");
}

#[tokio::test]
async fn a_lost_response_is_repeated_for_five_minutes() {
    let (app, pair) = signed_in().await;
    let child = refresh(&app, &pair.refresh).send().await.pair();
    for span in ["11 s", "299 s"] {
        rotated_ago(&app, span).await;
        let again = caused(refresh(&app, &pair.refresh).send().await, "retry");
        assert_eq!(again.refresh, child.refresh);
    }
    rotated_ago(&app, "301 s").await;
    refresh(&app, &pair.refresh).send().await.problem(401, "refresh_token_reused");
    dead(&app, &child.access).await;
}

#[tokio::test]
async fn a_store_that_lost_its_last_moments_catches_up() {
    for (lost, cause) in [(1, "recovered"), (2, "recovered")] {
        let (app, pair) = signed_in().await;
        let mut newest = pair;
        for _ in 0..3 {
            newest = refresh(&app, &newest.refresh).send().await.pair();
        }
        change(&app, &format!("counter = counter - {lost}")).await;
        let next = caused(refresh(&app, &newest.refresh).send().await, cause);
        standing(&app, &next.access).await;
        caused(refresh(&app, &next.refresh).send().await, "current");
    }
}

#[tokio::test]
async fn a_store_that_lost_more_refuses_and_ends_nothing() {
    let (app, pair) = signed_in().await;
    let mut newest = pair;
    for _ in 0..3 {
        newest = refresh(&app, &newest.refresh).send().await.pair();
    }
    change(&app, "counter = counter - 3").await;
    refresh(&app, &newest.refresh).send().await.problem(401, "refresh_token_unknown");
    standing(&app, &newest.access).await;
    change(&app, "counter = counter + 3").await;
    caused(refresh(&app, &newest.refresh).send().await, "current");
}

#[tokio::test]
async fn causes_are_counted() {
    let (app, pair) = signed_in().await;
    refresh(&app, &pair.refresh).send().await.pair();
    refresh(&app, &pair.refresh).send().await.pair();
    refresh(&app, "garbage").send().await.expect(401);
    let metrics = app.ops.get("/metrics").send().await.expect(200).text;
    for cause in ["current", "concurrent", "invalid"] {
        let line = format!("usher_admin_refreshes_total{{cause=\"{cause}\"}} 1");
        assert!(metrics.contains(&line), "{line} in\n{metrics}");
    }
}

#[tokio::test]
async fn a_token_outlives_a_new_master_key() {
    let (mut app, pair) = signed_in().await;
    let mut vars = app.vars.clone();
    let keys = format!("2:m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=,{}", vars["ADMIN_MASTER_KEYS"]);
    vars.insert("ADMIN_MASTER_KEYS", keys);
    app.stop().await.unwrap();
    let mut rekeyed = TestApp::launch_on(vars).await;
    rekeyed.await_ready().await;

    let next = refresh(&rekeyed, &pair.refresh).send().await.pair();
    caused(refresh(&rekeyed, &next.refresh).send().await, "current");
    let stored = "select refresh_key from auth.sessions where id = $1";
    let row = rekeyed.sql().await.query_one(stored, &[&session_of(&pair)]).await.unwrap();
    assert_eq!(row.get::<_, i16>(0), 1);
    rekeyed.stop().await.unwrap();
}

#[tokio::test]
async fn a_change_of_password_goes_on_when_the_key_of_the_session_is_gone() {
    let (app, pair) = signed_in().await;
    // As after the master key of the session was removed from the configuration.
    change(&app, "refresh_key = 9").await;
    refresh(&app, &pair.refresh).send().await.problem(401, "refresh_token_unknown");

    let new = change_password(&app, &pair.access, "another horse, another battery").send().await.pair();

    standing(&app, &new.access).await;
    let next = caused(refresh(&app, &new.refresh).send().await, "current");
    caused(refresh(&app, &next.refresh).send().await, "current");
    let body = json!({ "keep_current": true });
    change(&app, "refresh_key = 9").await;
    app.client.post("/api/v1/auth/logout-all").bearer(&new.access).json(&body).send().await.pair();
}

/// Records, at the commit of each change of a session, whether that commit waits for the disk.
const WATCH_COMMITS: &str = "
    create table public.commits (n serial, waits text);
    create function public.watch() returns trigger language plpgsql as $$
        begin
            insert into public.commits (waits) values (current_setting('synchronous_commit'));
            return null;
        end $$;
    create constraint trigger watch after update on auth.sessions deferrable initially deferred
        for each row execute function public.watch()";

#[tokio::test]
async fn only_a_plain_rotation_does_not_wait_for_the_disk() {
    let (app, pair) = signed_in().await;
    let sql = app.sql().await;
    sql.batch_execute(WATCH_COMMITS).await.unwrap();

    let next = caused(refresh(&app, &pair.refresh).send().await, "current");
    caused(refresh(&app, &pair.refresh).send().await, "concurrent");
    sql.batch_execute("set session_replication_role = replica; update auth.sessions set counter = 0")
        .await
        .unwrap();
    let next = caused(refresh(&app, &next.refresh).send().await, "recovered");
    app.client.post("/api/v1/auth/logout-all").bearer(&next.access).send().await.expect(200);

    let commits = sql.query("select waits from public.commits order by n", &[]).await.unwrap();
    let commits: Vec<String> = commits.iter().map(|row| row.get(0)).collect();
    assert_eq!(commits, ["off", "on", "on", "on"]);
}

#[tokio::test]
async fn a_refresh_rewrites_no_index() {
    let (app, pair) = signed_in().await;
    refresh(&app, &pair.refresh).send().await.pair();
    // PostgreSQL reports its writes some ten seconds later, unless forced to report at once.
    let writers = join_all((0..8).map(|_| app.context.db.get())).await;
    for writer in &writers {
        writer.as_ref().unwrap().batch_execute("select pg_stat_force_next_flush()").await.unwrap();
    }
    let sql = app.sql().await;
    let updates =
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relid = 'auth.sessions'::regclass";
    crate::support::until("the statistics arrive", async || {
        let row = sql.query_one(updates, &[]).await.unwrap();
        let (all, hot): (i64, i64) = (row.get(0), row.get(1));
        (all == 1).then(|| assert_eq!(hot, 1))
    })
    .await;
}
