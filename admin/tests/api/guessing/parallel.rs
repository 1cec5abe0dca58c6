//! Parallel attempts do not pass a limit.

use std::time::Duration;

use futures_util::future::join_all;

use super::{STRANGER, login_from, refused};
use crate::support::{PASSWORD, TestApp, until};

const NEO: &str = "neo@example.org";

/// How many of two hundred parallel guesses are judged. A busy machine answers some of them with 503.
async fn judged(app: &TestApp, address: &str) -> usize {
    let calls = (0..200).map(|_| login_from(app, address, NEO, "not the password").send());
    let replies = join_all(calls).await;
    assert!(replies.iter().all(|reply| [401, 429, 503].contains(&reply.status)), "{replies:#?}");
    replies.iter().filter(|reply| reply.status == 401).count()
}

/// Guesses until so many are judged in all, and asserts that no other is.
async fn no_more_than(most: usize, app: &TestApp, address: &str, mut judged: usize) {
    assert!(judged <= most, "{judged}");
    until("that many are judged", async || {
        if judged < most {
            let reply = login_from(app, address, NEO, "not the password").send().await;
            judged += usize::from(reply.status == 401);
        }
        (judged >= most).then_some(())
    })
    .await;
    for _ in 0..5 {
        refused(app, address, NEO).await;
    }
}

#[tokio::test]
async fn of_two_hundred_parallel_guesses_ten_are_judged() {
    let app = TestApp::start().await;
    app.begin_window(Duration::from_mins(10));
    app.client.register(NEO).await.expect(201);
    let judged = judged(&app, STRANGER).await;
    no_more_than(10, &app, STRANGER, judged).await;
}

#[tokio::test]
async fn of_four_hundred_parallel_guesses_from_a_known_network_forty_are_judged_by_two_services() {
    let app = TestApp::start().await;
    let replica = app.replica().await;
    app.begin_window(Duration::from_mins(10));
    replica.begin_window(Duration::from_mins(10));
    app.client.register(NEO).await.expect(201);
    login_from(&app, "192.0.2.1", NEO, PASSWORD).send().await.pair();
    // Ten for each of three addresses, which is all that their network has, and ten as strangers.
    let (one, other) = tokio::join!(judged(&app, "192.0.2.1"), judged(&replica, "192.0.2.2"));
    assert!(one + other <= 30, "{one} {other}");
    no_more_than(40, &app, "192.0.2.3", one + other).await;
}

#[tokio::test]
async fn a_full_hash_queue_costs_no_attempt() {
    let app = TestApp::start_with(&[("ADMIN_HASH_THREADS", "1"), ("ADMIN_HASH_WAIT", "0s")]).await;
    app.client.register(NEO).await.expect(201);
    let mut judged = 0;
    for _ in 0..40 {
        let calls = (0..5).map(|_| login_from(&app, STRANGER, NEO, "not the password").send());
        for reply in join_all(calls).await {
            assert!([401, 429, 503].contains(&reply.status), "{reply:?}");
            judged += usize::from(reply.status == 401);
        }
    }
    assert_eq!(judged, 10);
}
