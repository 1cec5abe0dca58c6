//! `POST /api/v1/auth/logout` and `/auth/logout-all`.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{Call, TestApp};
use crate::witness::{assign, claims, dead, refresh, standing};

fn by_access(app: &TestApp, access: &str) -> Call {
    app.client.post("/api/v1/auth/logout").bearer(access)
}

fn by_refresh(app: &TestApp, token: &str) -> Call {
    app.client.post("/api/v1/auth/logout").json(&json!({ "refresh_token": token }))
}

fn all(app: &TestApp, access: &str, body: &Value) -> Call {
    app.client.post("/api/v1/auth/logout-all").bearer(access).json(body)
}

#[tokio::test]
async fn an_access_token_signs_out_its_session_alone() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let other = app.client.sign_in("neo@example.org").await;

    by_access(&app, &pair.access).send().await.expect(204);

    dead(&app, &pair.access).await;
    refresh(&app, &pair.refresh).send().await.problem(401, "session_revoked");
    standing(&app, &other.access).await;
}

#[tokio::test]
async fn a_refresh_token_signs_out_too_however_old() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let second = refresh(&app, &pair.refresh).send().await.pair();
    let third = refresh(&app, &second.refresh).send().await.pair();

    by_refresh(&app, &pair.refresh).send().await.expect(204);

    dead(&app, &third.access).await;
    refresh(&app, &third.refresh).send().await.problem(401, "session_revoked");
}

#[tokio::test]
async fn tokens_of_an_ended_session_can_sign_out_again() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    for _ in 0..2 {
        by_access(&app, &pair.access).send().await.expect(204);
        by_refresh(&app, &pair.refresh).send().await.expect(204);
    }
    app.sql().await.batch_execute("delete from auth.sessions").await.unwrap();
    by_access(&app, &pair.access).send().await.expect(204);
    by_refresh(&app, &pair.refresh).send().await.expect(204);
    let recorded = app.sql().await.query_one("select count(*) from auth.revocations", &[]).await.unwrap();
    assert_eq!(recorded.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn an_expired_access_token_still_signs_out() {
    let app = TestApp::start_with(&[("ADMIN_ACCESS_TOKEN_LIFE", "1s")]).await;
    let pair = app.client.new_user("neo@example.org").await;
    crate::support::until("the token has expired", async || {
        let reply = app.client.get("/api/v1/me").bearer(&pair.access).send().await;
        (reply.status == 401).then(|| reply.problem(401, "token_expired"))
    })
    .await;
    by_access(&app, &pair.access).send().await.expect(204);
    refresh(&app, &pair.refresh).send().await.problem(401, "session_revoked");
}

#[tokio::test]
async fn an_access_token_that_expired_hours_ago_ends_no_session() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let issued = |seconds_ago: u64| {
        let mut claims: shared::token::Claims = serde_json::from_value(claims(&pair.access)).unwrap();
        (claims.iat, claims.exp) = (claims.iat - seconds_ago, claims.exp - seconds_ago);
        app.context.keys.sign(&claims).unwrap()
    };
    const HOUR: u64 = 3600;
    for seconds_ago in [5 * HOUR, 24 * HOUR, 365 * 24 * HOUR] {
        by_access(&app, &issued(seconds_ago)).send().await.problem(401, "token_expired");
    }
    standing(&app, &pair.access).await;
    by_refresh(&app, &pair.refresh).bearer(&issued(24 * HOUR)).send().await.expect(204);
    let pair = app.client.sign_in("neo@example.org").await;
    let mut claims: shared::token::Claims = serde_json::from_value(claims(&pair.access)).unwrap();
    (claims.iat, claims.exp) = (claims.iat - 4 * HOUR, claims.exp - 4 * HOUR);
    by_access(&app, &app.context.keys.sign(&claims).unwrap()).send().await.expect(204);
    dead(&app, &pair.access).await;
}

#[tokio::test]
async fn a_token_made_old_by_a_role_still_signs_out() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    assign(&app, "neo@example.org", "subscriber").await;
    by_access(&app, &pair.access).send().await.expect(204);
    refresh(&app, &pair.refresh).send().await.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_valid_refresh_token_is_enough_beside_an_invalid_access_token() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    by_refresh(&app, &pair.refresh).bearer("garbage").send().await.expect(204);
    dead(&app, &pair.access).await;
}

#[tokio::test]
async fn signing_out_requires_a_token_that_we_issued() {
    let app = TestApp::start().await;
    app.client.post("/api/v1/auth/logout").send().await.problem(401, "token_missing");
    app.client.post("/api/v1/auth/logout").json(&json!({})).send().await.problem(401, "token_missing");
    by_access(&app, "garbage").send().await.problem(401, "token_invalid");
    by_refresh(&app, "garbage").send().await.problem(401, "refresh_token_invalid");
    app.client.post("/api/v1/auth/logout-all").send().await.problem(401, "token_missing");
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session() {
    let app = TestApp::start().await;
    let one = app.client.new_user("neo@example.org").await;
    let two = app.client.sign_in("neo@example.org").await;
    let trinity = app.client.new_user("trinity@example.org").await;

    let reply =
        app.client.post("/api/v1/auth/logout-all").bearer(&one.access).send().await.expect(200).json();

    assert_eq!(reply, json!({ "revoked": 2 }));
    for pair in [&one, &two] {
        dead(&app, &pair.access).await;
        refresh(&app, &pair.refresh).send().await.problem(401, "session_revoked");
    }
    standing(&app, &trinity.access).await;
    standing(&app, &app.client.sign_in("neo@example.org").await.access).await;
}

#[tokio::test]
async fn signing_out_elsewhere_keeps_this_session_with_a_new_pair() {
    let app = TestApp::start().await;
    let kept = app.client.new_user("neo@example.org").await;
    let other = app.client.sign_in("neo@example.org").await;

    let reply = all(&app, &kept.access, &json!({ "keep_current": true })).send().await;

    assert_eq!(reply.json()["revoked"], 1);
    let new = reply.pair();
    assert_eq!(new.session, kept.session);
    assert_eq!(
        claims(&new.access)["gen"].as_u64(),
        claims(&kept.access)["gen"].as_u64().map(|before| before + 1)
    );
    standing(&app, &new.access).await;
    dead(&app, &kept.access).await;
    dead(&app, &other.access).await;
    refresh(&app, &other.refresh).send().await.problem(401, "session_revoked");
    refresh(&app, &kept.refresh).send().await.problem(401, "session_revoked");
    let next = refresh(&app, &new.refresh).send().await.pair();
    standing(&app, &next.access).await;
}

#[tokio::test]
async fn a_session_past_its_idle_end_is_not_kept() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    app.sql()
        .await
        .batch_execute("update auth.sessions set idle_expires_at = clock_timestamp()")
        .await
        .unwrap();
    all(&app, &pair.access, &json!({ "keep_current": true })).send().await.problem(401, "session_expired");
}

#[tokio::test]
async fn sessions_that_came_to_their_end_are_neither_counted_nor_ended_again() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let (idle, over, just) = (
        app.client.sign_in("neo@example.org").await,
        app.client.sign_in("neo@example.org").await,
        app.client.sign_in("neo@example.org").await,
    );
    let sql = app.sql().await;
    for (session, end) in [
        (&idle.session, "idle_expires_at = clock_timestamp() - interval '3 minutes'"),
        (&over.session, "expires_at = clock_timestamp() - interval '1 second'"),
        (&just.session, "idle_expires_at = clock_timestamp() - interval '1 second'"),
    ] {
        let end = format!("update auth.sessions set {end} where id = '{session}'");
        sql.batch_execute(&end).await.unwrap();
    }

    let reply = app.client.post("/api/v1/auth/logout-all").bearer(&pair.access).send().await;

    assert_eq!(reply.expect(200).json(), json!({ "revoked": 1 }));
    let ended = "select id::text from auth.sessions where revoked_at is not null";
    let ended: HashSet<String> = sql.query(ended, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    // A concurrent refresh may have extended the session that just ended.
    assert_eq!(ended, HashSet::from([pair.session, just.session]));
}

#[tokio::test]
async fn another_body_is_refused() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    for body in [json!({ "keep_current": "yes" }), json!({ "keep": true }), json!({ "keep_current": null })] {
        all(&app, &pair.access, &body).send().await.problem(422, "validation_failed");
    }
}
