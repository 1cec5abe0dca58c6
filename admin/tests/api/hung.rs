//! PostgreSQL hangs, or takes too long: its connections stay open, but nothing comes back.

use std::time::Duration;

use admin::config::Config;
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::timeout;

use crate::support::{
    Call, PASSWORD, Pair, Proxy, Reply, TestApp, TestDatabase, connect, prefix, until, variables,
};

/// Less than a request may take in all, so that what ends within it was ended for its store.
const SOON: Duration = Duration::from_secs(12);

/// A service that reaches its database through a proxy, with the limits that it is shipped with.
async fn behind_a_proxy() -> (TestApp, Proxy, TestDatabase) {
    let database = TestDatabase::migrated().await;
    let (proxy, url) = Proxy::before(&database.url).unwrap();
    let vars = variables(&url, &prefix());
    let app = TestApp::launch_configured(Config::from_vars(&vars).unwrap(), vars).await;
    app.await_ready().await;
    (app, proxy, database)
}

async fn is_silent(app: &TestApp) -> bool {
    let page = app.ops.get("/metrics").send().await.expect(200).text;
    page.lines().any(|line| line == "usher_admin_database_silent 1")
}

/// Requests of each kind at once: a sign-in, a refresh, a sign-out, a registration and reads.
async fn one_of_each(app: &TestApp, pair: &Pair) -> Vec<Reply> {
    let login = json!({ "email": "viewer@cinema.test", "password": PASSWORD });
    let refresh = json!({ "refresh_token": pair.refresh });
    let new = json!({ "email": "other@cinema.test", "password": PASSWORD });
    let calls = [
        app.client.post("/api/v1/auth/login").json(&login),
        app.client.post("/api/v1/auth/refresh").json(&refresh),
        app.client.post("/api/v1/auth/register").json(&new),
        app.client.post("/api/v1/auth/logout").bearer(&pair.access),
        app.client.get("/api/v1/me").bearer(&pair.access),
        app.client.get("/api/v1/me/sessions").bearer(&pair.access),
    ];
    join_all(calls.map(Call::send)).await
}

#[tokio::test]
async fn requests_under_way_end_when_postgres_falls_silent_and_later_ones_do_not_wait() {
    let (app, proxy, _database) = behind_a_proxy().await;
    let pair = app.client.new_user("viewer@cinema.test").await;

    proxy.silence();
    for reply in timeout(SOON, one_of_each(&app, &pair)).await.expect("they end") {
        reply.problem(503, "dependency_unavailable");
    }
    until("it is known to be silent", async || is_silent(&app).await.then_some(())).await;
    let later = join_all((0..40).map(|_| one_of_each(&app, &pair)));
    for reply in timeout(SOON, later).await.expect("they end").into_iter().flatten() {
        reply.problem(503, "dependency_unavailable");
    }
    let unready = app.ops.get("/health/ready").send().await.expect(503);
    assert_eq!(unready.json()["reasons"][0]["code"], "database");

    proxy.restore();
    until("it is known to respond", async || (!is_silent(&app).await).then_some(())).await;
    // The connections of before get no further bytes: a request that was given one would wait.
    app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200);
    app.await_ready().await;
}

#[tokio::test]
async fn a_request_that_waits_for_a_lock_ends_and_so_does_its_statement() {
    let (app, _proxy, database) = behind_a_proxy().await;
    let pair = app.client.new_user("viewer@cinema.test").await;
    let locking = connect(&database.url).await;
    locking.batch_execute("begin; select 1 from auth.users for update").await.unwrap();

    let body = json!({ "email": "changed@cinema.test", "current_password": PASSWORD });
    let changing = app.client.put("/api/v1/me/email").bearer(&pair.access).json(&body).send();
    timeout(SOON, changing).await.expect("it ends").problem(503, "dependency_unavailable");
    let watching = connect(&database.url).await;
    until("no statement waits", async || {
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        let waiting: i64 = watching.query_one(waiting, &[]).await.unwrap().get(0);
        (waiting == 0).then_some(())
    })
    .await;

    locking.batch_execute("commit").await.unwrap();
    app.client.put("/api/v1/me/email").bearer(&pair.access).json(&body).send().await.expect(200);
}

#[tokio::test]
async fn requests_that_use_up_the_pool_leave_a_connection_for_sign_outs() {
    let app = TestApp::start_with(&[("ADMIN_DATABASE_CONNECTIONS", "4")]).await;
    let leaving = app.client.new_user("leaves@cinema.test").await;
    let mut others = Vec::new();
    for number in 0..4 {
        others.push(app.client.new_user(&format!("viewer{number}@cinema.test")).await);
    }
    let locking = app.sql().await;
    locking
        .batch_execute("begin; select 1 from auth.users where email like 'viewer%' for update")
        .await
        .unwrap();
    let change = |pair: Pair| {
        let call = app.client.patch("/api/v1/me").bearer(&pair.access);
        tokio::spawn(call.json(&json!({ "display_name": "Neo" })).send())
    };
    let waiting: Vec<_> = others.into_iter().map(change).collect();
    let watching = app.sql().await;
    until("three of them wait for a lock", async || {
        let blocked = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        let blocked: i64 = watching.query_one(blocked, &[]).await.unwrap().get(0);
        (blocked == 3).then_some(())
    })
    .await;

    app.client.get("/api/v1/me").bearer(&leaving.access).send().await.problem(503, "dependency_unavailable");
    app.client.post("/api/v1/auth/logout").bearer(&leaving.access).send().await.expect(204);
    locking.batch_execute("commit").await.unwrap();
    let replies = join_all(waiting).await;
    let changed =
        replies.into_iter().filter(|reply| reply.as_ref().is_ok_and(|reply| reply.status == 200)).count();
    assert!(changed >= 3, "{changed}");
}
