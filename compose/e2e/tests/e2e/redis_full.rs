//! A Redis that refuses writes: operators see it at once, and nothing is lost.

use harness::http::get;
use harness::wait::until;
use harness::{Admin, Stack};

use crate::people::{Person, send};
use crate::support::LIMIT;

/// The health of an admin.
async fn ready(admin: &Admin) -> (u16, String) {
    let answer = send(get(&admin.ops("/health/ready"))).await;
    (answer.status, answer.text)
}

async fn has_metric(address: &str, line: &str) -> bool {
    send(get(address)).await.text.lines().any(|found| found == line)
}

#[tokio::test]
async fn a_full_redis_is_seen_in_freshness_metric_log_and_health_and_a_sign_out_acts_later() {
    let stack = Stack::builder().start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    let (admin, sidecar) = (&stack.admins[0], &stack.sidecars[0]);
    assert_eq!(ready(admin).await, (200, "{\"status\":\"ready\"}\n".to_owned()));

    stack.redis.command("CONFIG SET maxmemory 1").unwrap();

    let metrics = admin.ops("/metrics");
    until("the metric", LIMIT, async || has_metric(&metrics, "usher_admin_relay_failing 1").await)
        .await
        .unwrap();
    let (status, text) = ready(admin).await;
    assert!(status == 200 && text.contains("\"code\":\"relay_failing\""), "{status} {text}");
    until("the log", LIMIT, async || admin.process().log().contains("OOM")).await.unwrap();
    let stale = sidecar.ops("/metrics");
    let is_stale = async || has_metric(&stale, "usher_introspect_state{state=\"stale\"} 1").await;
    until("the sidecar is stale", LIMIT, is_stale).await.unwrap();
    // It is committed, and answered as always.
    pair.sign_out(&stack).await;

    stack.redis.command("CONFIG SET maxmemory 0").unwrap();

    pair.is_refused(&stack, "the sign-out").await;
    until("the metric returns", LIMIT, async || has_metric(&metrics, "usher_admin_relay_failing 0").await)
        .await
        .unwrap();
    assert_eq!(ready(admin).await, (200, "{\"status\":\"ready\"}\n".to_owned()));
}
