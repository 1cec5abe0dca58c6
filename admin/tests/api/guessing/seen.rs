//! What operators and the user see of refused attempts.

use std::time::Duration;

use serde_json::Value;

use super::{STRANGER, guess, login_from, refused};
use crate::support::{Lines, PASSWORD, Pair, TestApp, until};
use crate::witness::{items_of, user_of};

const NEO: &str = "neo@example.org";

async fn history(app: &TestApp, pair: &Pair) -> Vec<Value> {
    let reply = app.client.get("/api/v1/me/login-history?limit=100").bearer(&pair.access).send().await;
    let items = items_of(&reply.expect(200).json());
    items.into_iter().filter(|item| item["event"] == "attempts_refused").collect()
}

#[tokio::test]
async fn a_refusal_is_one_line_and_one_entry_in_the_history_with_a_count() {
    let lines = Lines::keep();
    let app = TestApp::start().await;
    let replica = app.replica().await;
    let pair = app.client.new_user(NEO).await;
    guess(&app, STRANGER, NEO, 10).await;
    for _ in 0..7 {
        refused(&app, STRANGER, NEO).await;
    }
    for _ in 0..5 {
        refused(&replica, "203.0.113.9", NEO).await;
    }
    let entry = until("all are written", async || {
        let entries = history(&app, &pair).await;
        assert!(entries.len() <= 1, "{entries:?}");
        entries.into_iter().find(|entry| entry["attempts"] == 12)
    })
    .await;
    assert!([STRANGER, "203.0.113.9"].contains(&entry["address"].as_str().unwrap()), "{entry}");

    let text = lines.text();
    let warnings: Vec<&str> = text.lines().filter(|line| line.contains("Too many attempts:")).collect();
    assert_eq!(warnings.len(), 2, "one of each service: {warnings:?}");
    assert!(warnings[0].contains(STRANGER) && warnings[0].contains(&user_of(&pair).to_string()));
    assert!(warnings.iter().all(|line| line.contains("WARN") && !line.contains("neo@")), "{warnings:?}");

    let metrics = app.ops.get("/metrics").send().await.expect(200).text;
    for line in [
        "usher_admin_attempts_total{bucket=\"identifier\",outcome=\"failed\"} 10",
        "usher_admin_attempts_total{bucket=\"identifier\",outcome=\"refused\"} 7",
        "usher_admin_attempts_total{bucket=\"network_address\",outcome=\"succeeded\"} 1",
        "usher_admin_sign_ins_total{outcome=\"throttled\"} 7",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn sixty_wrong_passwords_of_an_address_are_one_warning() {
    let lines = Lines::keep();
    let app = TestApp::start().await;
    app.begin_window(Duration::from_mins(10));
    for name in 0..70 {
        let reply = login_from(&app, STRANGER, &format!("viewer{name}@cinema.test"), "wrong").send().await;
        reply.problem(401, "invalid_credentials");
    }
    let text = lines.text();
    let many: Vec<&str> = text.lines().filter(|line| line.contains("from this address")).collect();
    assert!(many.len() == 1 && many[0].contains("WARN") && many[0].contains(STRANGER), "{many:?}");
}

#[tokio::test]
async fn an_address_past_its_limit_is_one_line_and_takes_the_slow_lane() {
    let lines = Lines::keep();
    let app = TestApp::start_with(&[("ADMIN_LIMITS", "address_failures=3")]).await;
    app.begin_window(Duration::from_mins(10));
    for number in 0..6 {
        guess(&app, STRANGER, &format!("invented{number}@example.org"), 1).await;
    }
    // One a minute for each name.
    refused(&app, STRANGER, "invented5@example.org").await;
    let text = lines.text();
    let slow: Vec<&str> = text.lines().filter(|line| line.contains("attempts from this address")).collect();
    assert!(slow.len() == 1 && slow[0].contains("WARN") && slow[0].contains(STRANGER), "{slow:?}");
    assert!(!text.contains("invented"), "no name is logged");
    guess(&app, "203.0.113.9", "invented5@example.org", 1).await;
}

#[tokio::test]
async fn configured_limits_replace_the_usual_ones() {
    let app = TestApp::start_with(&[("ADMIN_LIMITS", "identifier=12, registrations=1")]).await;
    app.begin_window(Duration::from_hours(1));
    app.client.register(NEO).await.expect(201);
    app.client.register("trinity@example.org").await.problem(429, "too_many_attempts");
    guess(&app, STRANGER, NEO, 12).await;
    refused(&app, STRANGER, NEO).await;
}

#[tokio::test]
async fn invented_names_do_not_grow_the_history() {
    let app = TestApp::start().await;
    app.begin_window(Duration::from_mins(10));
    for number in 0..60 {
        let name = format!("invented{number}@example.org");
        login_from(&app, &format!("198.51.100.{}", number % 20), &name, PASSWORD).send().await.expect(401);
    }
    guess(&app, "198.51.100.1", "invented@example.org", 10).await;
    refused(&app, "198.51.100.1", "invented@example.org").await;
    let connection = app.sql().await;
    let sql = "select event, reason, attempts, user_id is null from auth.login_history order by event";
    let rows = until("all are written", async || {
        let rows = connection.query(sql, &[]).await.unwrap();
        let rows: Vec<(String, String, i32, bool)> =
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
        let attempts: i32 = rows.iter().map(|row| row.2).sum();
        (attempts == 71).then_some(rows)
    })
    .await;
    let row = |event: &str, reason: &str, attempts| (event.to_owned(), reason.to_owned(), attempts, true);
    assert_eq!(
        rows,
        [row("attempts_refused", "identifier", 1), row("login_failed", "nobody_has_that_name", 70)]
    );
}

#[tokio::test]
async fn the_last_refusals_are_written_when_the_service_stops() {
    let mut app = TestApp::start().await;
    login_from(&app, STRANGER, "unknown@example.org", PASSWORD).send().await.expect(401);
    app.stop().await.expect("it stops");
    let sql = "select attempts from auth.login_history";
    let row = app.sql().await.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 1);
}
