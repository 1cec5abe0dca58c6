//! `POST /api/v1/auth/reauthenticate`: a proof counts for the token that it was given for, and for no other.

use mock_providers::Provider;
use serde_json::json;

use crate::locks::{holding, let_go};
use crate::support::{Cinema, PASSWORD, Reply, TestApp, until};
use crate::witness::{
    beside, blocked, change_password, claims, dead, refresh, stale, standing, superuser, user_of,
};

async fn prove(app: &TestApp, access: &str, password: &str) -> Reply {
    let body = json!({ "password": password });
    app.client.post("/api/v1/auth/reauthenticate").bearer(access).json(&body).send().await
}

/// An action that requires a recent sign-in.
async fn act(app: &TestApp, access: &str) -> Reply {
    let path = "/api/v1/roles";
    let body = json!({ "name": format!("r{}", &crate::support::new_id().simple().to_string()[12..]) });
    app.client.post(path).bearer(access).json(&body).send().await
}

#[tokio::test]
async fn a_proof_counts_for_the_token_of_its_answer_alone() {
    let app = TestApp::start().await;
    let first = superuser(&app).await;
    let owner = stale(&app, &first).await;
    // A thief of the refresh token shares the session: within seconds both get the same next token.
    let thief = refresh(&app, &first.refresh).send().await.pair();
    assert_eq!(thief.refresh, owner.refresh);
    act(&app, &owner.access).await.problem(403, "fresh_auth_required");

    let answer = prove(&app, &owner.access, PASSWORD).await.expect(200).json();
    let fresh = answer["access_token"].as_str().unwrap();

    act(&app, fresh).await.expect(201);
    assert_eq!(claims(fresh)["auth_time"], claims(fresh)["iat"]);
    assert_eq!(claims(fresh)["sid"], owner.session);
    assert!(answer.get("refresh_token").is_none());
    // Neither the tokens that the thief has, nor those that the thief gets, are of that proof.
    act(&app, &thief.access).await.problem(403, "fresh_auth_required");
    let next = refresh(&app, &thief.refresh).send().await.pair();
    act(&app, &next.access).await.problem(403, "fresh_auth_required");
    // Nor is the owner's other token, or the next one.
    act(&app, &owner.access).await.problem(403, "fresh_auth_required");
    let next = refresh(&app, &owner.refresh).send().await.pair();
    act(&app, &next.access).await.problem(403, "fresh_auth_required");
    standing(&app, fresh).await;
}

#[tokio::test]
async fn a_sign_in_through_a_provider_is_no_proof_for_what_operators_do() {
    let cinema = Cinema::start().await;
    let app = &cinema.app;
    let anna = cinema.browser().sign_in(Provider::GitHub, "anna").await;
    let sql = app.sql().await;
    sql.execute("update auth.users set is_superuser = true where id = $1", &[&user_of(&anna)]).await.unwrap();
    act(app, &anna.access).await.problem(403, "fresh_auth_required");
    // A first password needs a recent sign-in of any kind, and the next sign-in with it is a proof.
    let body = json!({ "new_password": PASSWORD });
    let set = app.client.put("/api/v1/me/password").bearer(&anna.access).json(&body).send().await.pair();
    act(app, &set.access).await.problem(403, "fresh_auth_required");
    let proved = prove(app, &set.access, PASSWORD).await.expect(200).json();
    let fresh = proved["access_token"].as_str().unwrap();
    assert_eq!(claims(fresh)["amr"], json!(["pwd", "fed"]));
    act(app, fresh).await.expect(201);
    let next = refresh(app, &set.refresh).send().await.pair();
    assert_eq!(claims(&next.access)["amr"], json!(["fed"]));
    act(app, &next.access).await.problem(403, "fresh_auth_required");
}

#[tokio::test]
async fn a_change_with_the_current_password_is_a_proof_of_its_own_token() {
    let app = TestApp::start().await;
    let owner = stale(&app, &superuser(&app).await).await;
    let new = change_password(&app, &owner.access, "another horse, another battery").send().await.pair();
    act(&app, &new.access).await.expect(201);
    let next = refresh(&app, &new.refresh).send().await.pair();
    act(&app, &next.access).await.problem(403, "fresh_auth_required");
}

#[tokio::test]
async fn signing_out_elsewhere_is_no_proof() {
    let app = TestApp::start().await;
    let owner = stale(&app, &superuser(&app).await).await;
    let body = json!({ "keep_current": true });
    let new =
        app.client.post("/api/v1/auth/logout-all").bearer(&owner.access).json(&body).send().await.pair();
    act(&app, &new.access).await.problem(403, "fresh_auth_required");
}

#[tokio::test]
async fn a_wrong_password_is_no_matter_of_the_token() {
    let app = TestApp::start().await;
    let neo = app.client.new_user("neo@example.org").await;
    // `problem` checks that there is no challenge.
    prove(&app, &neo.access, "wrong").await.problem(403, "current_password_wrong");
    until("the entry is written", async || {
        let history = app.client.get("/api/v1/me/login-history").bearer(&neo.access).send().await.expect(200);
        (history.json()["items"][0]["event"] == "proof_failed").then_some(())
    })
    .await;
    // An account without a password gets the same answer.
    let clear = "update auth.users set password_hash = null, password_changed_at = null";
    app.sql().await.batch_execute(clear).await.unwrap();
    prove(&app, &neo.access, PASSWORD).await.problem(403, "current_password_wrong");
}

#[tokio::test]
async fn a_proof_that_waited_for_the_end_of_its_session_gets_no_token() {
    for (end, status, code) in [
        (
            "update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = 'ended'",
            401,
            "token_revoked",
        ),
        ("update auth.users set status = 'disabled'", 401, "token_revoked"),
        (
            "update auth.users set password_hash = null, password_changed_at = null",
            403,
            "current_password_wrong",
        ),
        ("update auth.users set token_generation = token_generation + 1", 401, "token_refresh_needed"),
    ] {
        let app = TestApp::start().await;
        let neo = app.client.new_user("neo@example.org").await;
        let holder = holding(&app, "select from auth.users for update").await;
        let body = json!({ "password": PASSWORD });
        let call = app.client.post("/api/v1/auth/reauthenticate").bearer(&neo.access).json(&body);
        let proving = beside(call);
        blocked(&holder, 1).await;
        let_go(&holder, end).await;
        proving.await.unwrap().problem(status, code);
    }
}

#[tokio::test]
async fn a_token_of_a_proof_is_revoked_like_any_other() {
    let app = TestApp::start().await;
    let neo = app.client.new_user("neo@example.org").await;
    let answer = prove(&app, &neo.access, PASSWORD).await.expect(200).json();
    let fresh = answer["access_token"].as_str().unwrap();
    let root = superuser(&app).await;
    let path = format!("/api/v1/admin/users/{}/disable", user_of(&neo));
    app.client.post(&path).bearer(&root.access).send().await.expect(204);
    dead(&app, fresh).await;
}
