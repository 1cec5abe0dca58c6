//! Starting, readiness, losing a store, stopping.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Proxy, TestApp, TestDatabase, prefix, store_url, until, variables};

async fn failed(app: &TestApp) -> Vec<String> {
    let reply = app.ops.get("/health/ready").send().await;
    let body = reply.json();
    if reply.status == 200 {
        assert_eq!(body, json!({ "status": "ready" }));
        return Vec::new();
    }
    assert_eq!((reply.status, &body["status"]), (503, &json!("not_ready")));
    let code = |reason: &Value| reason["code"].as_str().expect("a code").to_owned();
    body["reasons"].as_array().expect("a list").iter().map(code).collect()
}

#[tokio::test]
async fn a_started_service_is_alive_ready_and_counted() {
    let app = TestApp::start().await;
    app.ops.get("/health/live").send().await.expect(200);
    assert!(failed(&app).await.is_empty());
    app.client.get("/api/v1/nothing").send().await.expect(404);
    let metrics = app.ops.get("/metrics").send().await.expect(200);
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let line = "usher_admin_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1";
    assert!(metrics.text.contains(line), "{}", metrics.text);
    for line in [
        "usher_admin_database_connections{state=\"limit\"} 8",
        "usher_admin_password_hash_threads{state=\"in_use\"} 0",
        "usher_admin_password_hash_threads{state=\"limit\"} 2",
        "usher_admin_password_hash_queue{lane=\"stranger\"} 0",
        "usher_admin_password_hash_refusals_total{lane=\"known\"} 0",
        "usher_admin_password_judge_refusals_total{lane=\"slow\"} 0",
    ] {
        assert!(metrics.text.contains(line), "{line} is not in {}", metrics.text);
    }
    let open = "application/openmetrics-text; version=1.0.0";
    let metrics = app.ops.get("/metrics").header("accept", open).send().await.expect(200);
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    assert!(metrics.text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn health_is_not_on_the_listener_of_the_api_nor_the_api_on_that_of_health() {
    let app = TestApp::start().await;
    app.client.get("/health/live").send().await.problem(404, "not_found");
    app.client.get("/metrics").send().await.problem(404, "not_found");
    app.ops.get("/.well-known/jwks.json").send().await.expect(404);
    app.ops.post("/health/live").send().await.expect(405);
}

#[tokio::test]
async fn a_service_on_an_old_schema_says_which_command_to_run() {
    let database = TestDatabase::empty().await;
    let mut app = TestApp::launch_on(variables(&database.url, &prefix())).await;
    let why = app.ended().await.unwrap_err();
    assert!(why.contains("admin migrate"), "{why}");
}

#[tokio::test]
async fn a_service_waits_for_postgres_and_answers_503_meanwhile() {
    let database = TestDatabase::migrated().await;
    let (proxy, url) = Proxy::before(&database.url).unwrap();
    proxy.refuse();
    let app = TestApp::launch_on(variables(&url, &prefix())).await;
    assert_eq!(failed(&app).await, ["signing_key", "partitions", "database"]);
    app.ops.get("/health/live").send().await.expect(200);
    app.client.register("viewer@cinema.test").await.problem(503, "dependency_unavailable");
    app.client.get("/.well-known/jwks.json").send().await.problem(503, "dependency_unavailable");

    proxy.restore();

    app.await_ready().await;
    app.client.register("viewer@cinema.test").await.expect(201);
}

#[tokio::test]
async fn a_lost_postgres_leads_to_503_in_bounded_time_until_it_returns() {
    let database = TestDatabase::migrated().await;
    let (proxy, url) = Proxy::before(&database.url).unwrap();
    let app = TestApp::launch_on(variables(&url, &prefix())).await;
    app.await_ready().await;
    app.client.register("viewer@cinema.test").await.expect(201);

    proxy.refuse();
    let begun = Instant::now();
    let body = json!({ "email": "viewer@cinema.test", "password": crate::support::PASSWORD });
    app.client.post("/api/v1/auth/login").json(&body).send().await.problem(503, "dependency_unavailable");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(failed(&app).await, ["database"]);

    proxy.restore();
    until("signing in works again", async || {
        (app.client.post("/api/v1/auth/login").json(&body).send().await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_service_whose_connections_are_all_at_work_is_ready() {
    let app = TestApp::start_with(&[("ADMIN_DATABASE_CONNECTIONS", "4")]).await;
    let mut lent = Vec::new();
    for _ in 0..4 {
        lent.push(app.context.db.get().await.unwrap());
    }
    assert!(failed(&app).await.is_empty());
}

#[tokio::test]
async fn a_postgres_that_stops_answering_before_the_service_is_ready_is_tried_again() {
    let database = TestDatabase::migrated().await;
    let (proxy, url) = Proxy::before(&database.url).unwrap();
    proxy.silence();
    let app = TestApp::launch_on(variables(&url, &prefix())).await;
    assert!(failed(&app).await.contains(&"database".to_owned()));

    proxy.restore();

    app.await_ready().await;
}

#[tokio::test]
async fn a_sign_out_is_done_even_when_the_client_hangs_up() {
    let mut app = TestApp::start().await;
    let pair = app.client.new_user("viewer@cinema.test").await;
    let sql = app.sql().await;
    sql.batch_execute("begin; select 1 from auth.users for update; select 1 from auth.sessions for update")
        .await
        .unwrap();
    let address = app.client.base().trim_start_matches("http://").to_owned();
    let mut hasty = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "POST /api/v1/auth/logout HTTP/1.1\r\nhost: admin\r\nauthorization: Bearer {}\r\ncontent-length: 0\r\n\r\n",
        pair.access
    );
    hasty.write_all(request.as_bytes()).await.unwrap();
    let watcher = app.sql().await;
    until("it waits for the lock", async || {
        let waiting = "select 1 from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        watcher.query_opt(waiting, &[]).await.unwrap()
    })
    .await;

    drop(hasty);
    // A stop does not abort it either.
    app.ask_to_stop();
    until("no new connection is accepted", async || {
        tokio::net::TcpStream::connect(&address).await.is_err().then_some(())
    })
    .await;
    sql.batch_execute("commit").await.unwrap();

    assert_eq!(app.ended().await, Ok(()));
    let ended = "select 1 from auth.sessions where revoked_at is not null";
    assert!(watcher.query_opt(ended, &[]).await.unwrap().is_some());
    app.log.await_count(1).await;
}

#[tokio::test]
async fn without_redis_users_sign_in_and_out_and_sidecars_learn_of_it_later() {
    let (proxy, url) = Proxy::before(&store_url("TEST_REDIS_URL")).unwrap();
    proxy.refuse();
    let app = TestApp::start_with(&[("REDIS_URL", &url)]).await;
    let pair = app.client.new_user("viewer@cinema.test").await;
    app.client.post("/api/v1/auth/logout").bearer(&pair.access).send().await.expect(204);
    assert_eq!(app.log.meta().await, None);
    assert!(lag(&app).await > 0.0);

    proxy.restore();

    app.log.await_count(1).await;
    until("nothing waits", async || (lag(&app).await == 0.0).then_some(())).await;
}

/// Seconds that the oldest revocation has waited for its publication.
async fn lag(app: &TestApp) -> f64 {
    let page = app.ops.get("/metrics").send().await.expect(200).text;
    let value = page.lines().find_map(|line| line.strip_prefix("usher_admin_relay_lag_seconds "));
    value.expect("the lag is there").parse().unwrap()
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_end() {
    let mut app = TestApp::start().await;
    let address = app.client.base().trim_start_matches("http://").to_owned();
    let mut slow = tokio::net::TcpStream::connect(&address).await.unwrap();
    let body = json!({ "email": "late@cinema.test", "password": crate::support::PASSWORD }).to_string();
    let head = format!(
        "POST /api/v1/auth/register HTTP/1.1\r\nhost: admin\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    // The service reads the body, so the request is in progress.
    let mut answer = vec![0; 25];
    slow.read_exact(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&answer));

    app.ask_to_stop();
    until("no new connection is accepted", async || {
        tokio::net::TcpStream::connect(&address).await.is_err().then_some(())
    })
    .await;
    assert_eq!(failed(&app).await, ["draining"]);
    slow.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    assert_eq!(app.ended().await, Ok(()));
}

#[tokio::test]
async fn a_stopping_service_answers_once_more_on_an_idle_connection() {
    let mut app = TestApp::start().await;
    let address = app.client.base().trim_start_matches("http://").to_owned();
    let mut kept = tokio::net::TcpStream::connect(&address).await.unwrap();
    let question = b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: admin\r\n\r\n";
    kept.write_all(question).await.unwrap();
    let mut first = vec![0; 4096];
    let length = kept.read(&mut first).await.unwrap();
    assert!(first[..length].starts_with(b"HTTP/1.1 200"));

    app.ask_to_stop();
    until("no new connection is accepted", async || {
        tokio::net::TcpStream::connect(&address).await.is_err().then_some(())
    })
    .await;
    kept.write_all(question).await.unwrap();
    let mut last = String::new();
    kept.read_to_string(&mut last).await.unwrap();
    assert!(last.starts_with("HTTP/1.1 200") && last.contains("connection: close"), "{last}");
    assert_eq!(app.ended().await, Ok(()));
}

#[tokio::test]
async fn a_request_that_does_not_end_does_not_hold_up_the_stop_for_ever() {
    let mut app = TestApp::start_with(&[("ADMIN_DRAIN", "300ms")]).await;
    let address = app.client.base().trim_start_matches("http://").to_owned();
    let mut stuck = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = b"POST /api/v1/auth/register HTTP/1.1\r\nhost: admin\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n";
    stuck.write_all(head).await.unwrap();
    stuck.read_exact(&mut [0; 25]).await.unwrap();
    assert!(app.stop().await.unwrap_err().contains("ADMIN_DRAIN"));
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let app = TestApp::start().await;
    let address = app.client.base().replace("http://", "tcp:");
    let mut vars = app.vars.clone();
    vars.insert("ADMIN_LISTEN", address.clone());
    let config = admin::config::Config::from_vars(&vars).unwrap();
    let Err(error) = admin::app::App::build(config).await else { panic!("it is taken") };
    assert!(error.to_string().contains(&address), "{error}");
}
