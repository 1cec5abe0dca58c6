//! Whose access token is believed.

use crate::support::TestApp;
use crate::witness::{alive, claims};

#[tokio::test]
async fn the_scheme_is_read_in_any_case_and_others_are_not_ours() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    for (value, status) in [
        (format!("bearer {}", pair.access), 200),
        (format!("BEARER {}", pair.access), 200),
        (pair.access.clone(), 401),
        (format!("Basic {}", pair.access), 401),
        ("Bearer".to_owned(), 401),
        ("Bearer ".to_owned(), 401),
    ] {
        let reply = app.client.get("/api/v1/me").header("authorization", &value).send().await;
        assert_eq!(reply.status, status, "{value}");
    }
    let twice = app.client.get("/api/v1/me").bearer(&pair.access).bearer(&pair.access).send().await;
    twice.problem(401, "token_invalid");
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let claims = claims(&pair.access);
    let foreign = forge::Mint::new().token(&claims);
    let parts: Vec<_> = pair.access.split('.').collect();
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", parts[1]);
    let swapped = format!("{}.{}.{}", parts[0], parts[1], foreign.split('.').next_back().unwrap());
    for token in [&foreign, &unsigned, &swapped, "a.b.c", "garbage", &pair.refresh, &"x".repeat(9000)] {
        app.client.get("/api/v1/me").bearer(token).send().await.problem(401, "token_invalid");
    }
    alive(&app, &pair.access).await;
}

#[tokio::test]
async fn a_token_ends_with_everything_that_it_stands_on() {
    for (end, code) in [
        ("update auth.users set status = 'disabled'", "token_revoked"),
        ("update auth.users set token_generation = token_generation + 1", "token_revoked"),
        ("update auth.deployment set generation = generation + 1", "token_revoked"),
        ("update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = 'ended'", "token_revoked"),
        ("update auth.sessions set expires_at = clock_timestamp()", "token_revoked"),
        ("delete from auth.sessions", "token_revoked"),
        ("delete from auth.users", "token_revoked"),
    ] {
        let app = TestApp::start().await;
        let pair = app.client.new_user("neo@example.org").await;
        alive(&app, &pair.access).await;
        app.sql().await.batch_execute(end).await.unwrap();
        app.client.get("/api/v1/me").bearer(&pair.access).send().await.problem(401, code);
    }
}

#[tokio::test]
async fn a_token_revoked_alone_is_refused_alone() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let other = app.client.sign_in("neo@example.org").await;
    let jti = claims(&pair.access)["jti"].as_str().unwrap().parse().unwrap();
    let mut connection = app.context.db.get().await.unwrap();
    let tx = connection.begin().await.unwrap();
    let one = admin::revocations::NewRevocation::token(jti, shared::revocation::Reason::Revoked);
    admin::revocations::record(&tx, crate::support::ISSUER, &[one]).await.unwrap();
    tx.commit().await.unwrap();

    crate::witness::dead(&app, &pair.access).await;
    alive(&app, &other.access).await;
}
