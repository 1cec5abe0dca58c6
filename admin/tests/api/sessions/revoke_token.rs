//! Token revocation by a form (RFC 7009).

use crate::support::{Pair, Reply, TestApp};
use crate::witness::{alive, dead, refresh, standing};

async fn revoke(app: &TestApp, form: &str) -> Reply {
    let call = app.client.post("/oauth2/revoke").header("content-type", "application/x-www-form-urlencoded");
    call.body(form.to_owned()).send().await
}

async fn revoked_tokens(app: &TestApp) -> i64 {
    let count = "select count(*) from auth.revocations where kind = 1";
    app.sql().await.query_one(count, &[]).await.unwrap().get(0)
}

async fn signed_in(app: &TestApp) -> Pair {
    app.client.new_user("neo@example.org").await
}

#[tokio::test]
async fn an_access_token_is_refused_alone_and_its_session_continues() {
    let app = TestApp::start().await;
    let pair = signed_in(&app).await;

    let reply =
        revoke(&app, &format!("token={}&token_type_hint=access_token", pair.access)).await.expect(200);

    assert!(reply.text.is_empty(), "{}", reply.text);
    dead(&app, &pair.access).await;
    let next = refresh(&app, &pair.refresh).send().await.pair();
    standing(&app, &next.access).await;
}

#[tokio::test]
async fn a_refresh_token_ends_its_session_whatever_the_hint_says() {
    let app = TestApp::start().await;
    let pair = signed_in(&app).await;

    revoke(&app, &format!("token_type_hint=access_token&token={}", pair.refresh)).await.expect(200);

    dead(&app, &pair.access).await;
    refresh(&app, &pair.refresh).send().await.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_token_is_recorded_once_however_often_it_is_sent() {
    let app = TestApp::start().await;
    let pair = signed_in(&app).await;
    let form = format!("token={}", pair.access);

    let (one, other) = tokio::join!(revoke(&app, &form), revoke(&app, &form));
    assert_eq!((one.status, other.status), (200, 200));
    revoke(&app, &form).await.expect(200);

    assert_eq!(revoked_tokens(&app).await, 1);
    app.client.post("/api/v1/auth/logout").bearer(&pair.access).send().await.expect(204);
    let later = app.client.sign_in("neo@example.org").await;
    app.client.post("/api/v1/auth/logout").bearer(&later.access).send().await.expect(204);
    revoke(&app, &format!("token={}", later.access)).await.expect(200);
    assert_eq!(revoked_tokens(&app).await, 1, "its session has ended");
}

#[tokio::test]
async fn what_is_no_token_of_this_service_is_answered_like_one_and_records_nothing() {
    let app = TestApp::start().await;
    let pair = signed_in(&app).await;
    let mut forged = pair.access.clone();
    forged.pop();
    for token in ["x", "a.b.c", "v1.x", &forged] {
        revoke(&app, &format!("token={token}")).await.expect(200);
    }
    assert_eq!(revoked_tokens(&app).await, 0);
    alive(&app, &pair.access).await;
}

#[tokio::test]
async fn a_request_without_one_token_is_answered_as_oauth_says() {
    let app = TestApp::start().await;
    for form in ["", "token=", "token=a&token=b"] {
        let reply = revoke(&app, form).await.expect(400);
        assert_eq!(reply.json()["error"], "invalid_request", "{form}");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
    let json = app.client.post("/oauth2/revoke").json(&serde_json::json!({ "token": "x" })).send().await;
    assert_eq!(json.expect(400).json()["error"], "invalid_request");
    app.client.get("/oauth2/revoke").send().await.problem(405, "method_not_allowed");
}
