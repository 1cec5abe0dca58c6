//! Everything at once: nothing waits for ever, nothing fails, nothing survives.

use futures_util::future::join_all;

use crate::support::{Call, Pair, Reply, TestApp};
use crate::witness::{change_password, dead, refresh, sign_in};

#[tokio::test]
async fn everything_at_once_deadlocks_nothing_and_leaves_nothing_alive() {
    let app = TestApp::start_with(&[("ADMIN_DATABASE_CONNECTIONS", "24")]).await;
    let mut pairs = vec![app.client.new_user("neo@example.org").await];
    for _ in 0..3 {
        pairs.push(app.client.sign_in("neo@example.org").await);
    }
    let mut calls = Vec::new();
    for pair in &pairs {
        calls.extend((0..4).map(|_| refresh(&app, &pair.refresh)));
        calls.push(sign_in(&app, "neo@example.org", crate::support::PASSWORD));
    }
    calls.push(app.client.post("/api/v1/auth/logout").bearer(&pairs[1].access));
    calls.push(change_password(&app, &pairs[2].access, "another horse, another battery"));
    calls.push(app.client.post("/api/v1/auth/logout-all").bearer(&pairs[3].access));

    let replies = join_all(calls.into_iter().map(Call::send)).await;
    assert!(replies.iter().all(|reply| reply.status < 500), "{replies:#?}");

    let minted: Vec<Pair> = replies
        .into_iter()
        .filter(|reply| reply.status == 200 && reply.text.contains("access_token"))
        .map(Reply::pair)
        .collect();
    pairs.extend(minted);
    // One last ending, of everything that may still stand, by whoever still stands.
    for pair in &pairs {
        let _dead_already = app.client.post("/api/v1/auth/logout-all").bearer(&pair.access).send().await;
    }
    for pair in &pairs {
        dead(&app, &pair.access).await;
        assert_eq!(refresh(&app, &pair.refresh).send().await.status, 401);
    }
}
