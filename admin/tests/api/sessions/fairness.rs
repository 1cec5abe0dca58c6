//! Requests of one session, or of one user, that wait for each other do not keep the connections from the others.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::TestApp;
use crate::witness::{alive, beside, blocked, refresh};

#[tokio::test]
async fn many_refreshes_and_sign_outs_of_one_session_leave_the_connections_to_others() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let other = app.client.new_user("trinity@example.org").await;
    let mut holder = app.sql().await;
    let tx = holder.transaction().await.unwrap();
    tx.query("select from auth.sessions for update", &[]).await.unwrap();
    let refreshes: Vec<_> = (0..40).map(|_| beside(refresh(&app, &pair.refresh))).collect();
    blocked(tx.client(), 1).await;
    let sign_outs: Vec<_> =
        (0..5).map(|_| beside(app.client.post("/api/v1/auth/logout").bearer(&pair.access))).collect();
    // More than there are connections wait, and one of them at the row.
    alive(&app, &other.access).await;
    app.client.register("morpheus@example.org").await.expect(201);
    blocked(tx.client(), 1).await;
    tx.commit().await.unwrap();
    let answered =
        join_all(refreshes).await.into_iter().filter(|reply| reply.as_ref().unwrap().status == 200);
    assert!(answered.count() > 0);
    for reply in join_all(sign_outs).await {
        reply.unwrap().expect(204);
    }
}

#[tokio::test]
async fn many_changes_of_one_user_leave_the_connections_to_others() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let other = app.client.new_user("trinity@example.org").await;
    let mut holder = app.sql().await;
    let tx = holder.transaction().await.unwrap();
    tx.query("select from auth.users where email_key = 'neo@example.org' for update", &[]).await.unwrap();
    let body = json!({ "display_name": "The One" });
    let changes: Vec<_> =
        (0..30).map(|_| beside(app.client.patch("/api/v1/me").bearer(&pair.access).json(&body))).collect();
    blocked(tx.client(), 2).await;
    alive(&app, &other.access).await;
    tx.commit().await.unwrap();
    for reply in join_all(changes).await {
        reply.unwrap().expect(200);
    }
}
