//! Redis fails while passwords are guessed.

use std::time::Duration;

use harness::Redis;
use tokio::time::Instant;

use super::{STRANGER, guess, login_from, refused};
use crate::support::{Lines, PASSWORD, RevocationLog, TestApp, until};

const NEO: &str = "neo@example.org";

async fn is_local(app: &TestApp) -> bool {
    let metrics = app.ops.get("/metrics").send().await.expect(200).text;
    let value = metrics.lines().find_map(|line| line.strip_prefix("usher_admin_attempts_local "));
    value.expect("the metric") == "1"
}

#[tokio::test]
async fn with_redis_hanging_no_sign_in_waits_for_seconds_and_guesses_stay_limited() {
    let lines = Lines::keep();
    let redis = Redis::start().await.expect("Redis starts");
    let mut app = TestApp::start_with(&[("REDIS_URL", &redis.url())]).await;
    app.log = RevocationLog::at(&redis.url(), &app.vars["REDIS_PREFIX"]);
    app.client.register(NEO).await.expect(201);
    guess(&app, STRANGER, NEO, 10).await;
    refused(&app, STRANGER, NEO).await;
    assert!(!is_local(&app).await);

    redis.process().freeze();
    let begun = Instant::now();
    guess(&app, STRANGER, NEO, 10).await;
    refused(&app, STRANGER, NEO).await;
    login_from(&app, "127.0.0.1", "trinity@example.org", PASSWORD).send().await.expect(401);
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert!(is_local(&app).await);

    redis.process().thaw();
    until("Redis is used again", async || {
        login_from(&app, "203.0.113.9", "unknown@example.org", PASSWORD).send().await;
        (!is_local(&app).await).then_some(())
    })
    .await;
    refused(&app, STRANGER, NEO).await;
    let text = lines.text();
    let count = |sentence: &str| text.matches(sentence).count();
    assert_eq!(count("Redis does not answer: password attempts are counted"), 1);
    assert_eq!(count("Redis answers again: password attempts are counted"), 1);
}

#[tokio::test]
async fn without_redis_guesses_are_limited_from_the_start() {
    let app = TestApp::start_with(&[("REDIS_URL", "redis://127.0.0.1:1")]).await;
    app.client.register(NEO).await.expect(201);
    guess(&app, STRANGER, NEO, 10).await;
    refused(&app, STRANGER, NEO).await;
    assert!(is_local(&app).await);
}
