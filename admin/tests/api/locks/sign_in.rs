//! A sign-in concurrent with everything that revokes sessions.

use super::{CHANGE_ROLES, STOP_BEFORE_ROLES, holding, let_go};
use crate::support::{Call, PASSWORD, Pair, TestApp};
use crate::witness::{beside, blocked, change_password, dead, refresh, roles_of, sign_in, standing};

const NEW: &str = "another horse, another battery";

fn sign_out_everywhere(app: &TestApp, access: &str) -> Call {
    app.client.post("/api/v1/auth/logout-all").bearer(access)
}

#[tokio::test]
async fn a_sign_in_with_a_password_that_changed_since_it_was_verified_is_refused() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let other = "update auth.users set password_hash =
                     (select password_hash from auth.users where email_key = 'trinity@example.org')";
    let trinity = serde_json::json!({ "email": "trinity@example.org", "password": NEW });
    app.client.post("/api/v1/auth/register").json(&trinity).send().await.expect(201);
    let holder = holding(&app, "select from auth.users for update").await;

    let signing_in = beside(sign_in(&app, "neo@example.org", PASSWORD));
    blocked(&holder, 1).await;
    let_go(&holder, other).await;

    signing_in.await.unwrap().problem(401, "invalid_credentials");
    let sessions = holder.query_one("select count(*) from auth.sessions", &[]).await.unwrap();
    assert_eq!(sessions.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_sign_in_beside_a_disabling_is_refused_like_a_wrong_password() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let holder = holding(&app, "select from auth.users for update").await;
    let signing_in = beside(sign_in(&app, "neo@example.org", PASSWORD));
    blocked(&holder, 1).await;
    let_go(&holder, "update auth.users set status = 'disabled', token_generation = token_generation + 1")
        .await;
    signing_in.await.unwrap().problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_disabling_waits_for_a_sign_in_and_sees_its_session() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let holder = holding(&app, STOP_BEFORE_ROLES).await;
    let signing_in = beside(sign_in(&app, "neo@example.org", PASSWORD));
    blocked(&holder, 1).await;
    let disabling = app.sql().await;
    let disabling = tokio::spawn(async move {
        let lock = "begin; select from auth.users for update";
        disabling.batch_execute(lock).await.unwrap();
        let end = "update auth.users set status = 'disabled', token_generation = token_generation + 1;
                   update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = 'ended'
                   where revoked_at is null;
                   commit";
        disabling.batch_execute(end).await.unwrap();
    });
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    let minted = signing_in.await.unwrap().pair();
    disabling.await.unwrap();
    app.client.get("/api/v1/me").bearer(&minted.access).send().await.problem(401, "token_revoked");
    refresh(&app, &minted.refresh).send().await.problem(401, "session_revoked");
}

/// The sign-in holds the user; the revocation waits for it, and revokes its session too.
async fn ended_after_sign_in(end: impl Fn(&TestApp, &str) -> Call) -> (TestApp, Pair) {
    let app = TestApp::start().await;
    let asking = app.client.new_user("neo@example.org").await;
    let holder = holding(&app, STOP_BEFORE_ROLES).await;
    let signing_in = beside(sign_in(&app, "neo@example.org", PASSWORD));
    blocked(&holder, 1).await;
    let ending = beside(end(&app, &asking.access));
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;
    let minted = signing_in.await.expect("an answer").pair();
    ending.await.expect("an answer").expect(200);
    (app, minted)
}

#[tokio::test]
async fn a_change_of_password_that_waited_for_a_sign_in_ends_its_session() {
    let (app, minted) = ended_after_sign_in(|app, access| change_password(app, access, NEW)).await;
    dead(&app, &minted.access).await;
    refresh(&app, &minted.refresh).send().await.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_sign_out_everywhere_that_waited_for_a_sign_in_ends_its_session() {
    let (app, minted) = ended_after_sign_in(sign_out_everywhere).await;
    dead(&app, &minted.access).await;
    refresh(&app, &minted.refresh).send().await.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_sign_in_that_waited_for_a_change_of_password_is_refused() {
    let app = TestApp::start().await;
    let asking = app.client.new_user("neo@example.org").await;
    // The change holds the user and waits before reading roles.
    let holder = holding(&app, STOP_BEFORE_ROLES).await;
    let changing = beside(change_password(&app, &asking.access, NEW));
    blocked(&holder, 1).await;
    let signing_in = beside(sign_in(&app, "neo@example.org", PASSWORD));
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    let new = changing.await.unwrap().pair();
    signing_in.await.unwrap().problem(401, "invalid_credentials");
    standing(&app, &new.access).await;
}

#[tokio::test]
async fn a_sign_in_that_waited_for_a_sign_out_everywhere_is_of_the_new_generation() {
    let app = TestApp::start().await;
    let asking = app.client.new_user("neo@example.org").await;
    // The sign-out holds the user, and waits for a session that another transaction holds.
    let holder = holding(&app, "select from auth.sessions for update").await;
    let signing_out = beside(sign_out_everywhere(&app, &asking.access));
    blocked(&holder, 1).await;
    let signing_in = beside(sign_in(&app, "neo@example.org", PASSWORD));
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    signing_out.await.unwrap().expect(200);
    let minted = signing_in.await.unwrap().pair();
    dead(&app, &asking.access).await;
    standing(&app, &minted.access).await;
}

#[tokio::test]
async fn a_sign_in_that_waited_for_a_change_of_roles_has_generation_and_roles_both_new() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let before = app.client.sign_in("neo@example.org").await;
    let role_change = holding(&app, CHANGE_ROLES).await;
    let signing_in = beside(sign_in(&app, "neo@example.org", PASSWORD));
    blocked(&role_change, 1).await;
    let_go(&role_change, "select 1").await;

    let minted = signing_in.await.unwrap().pair();
    assert_eq!(roles_of(&minted.access), ["subscriber"]);
    standing(&app, &minted.access).await;
    app.client.get("/api/v1/me").bearer(&before.access).send().await.problem(401, "token_refresh_needed");
}

#[tokio::test]
async fn a_change_beside_a_change_is_refused_with_the_token_that_the_first_revoked() {
    let app = TestApp::start().await;
    let first = app.client.new_user("neo@example.org").await;
    let second = app.client.sign_in("neo@example.org").await;
    let holder = holding(&app, "select from auth.users for update").await;
    let one = beside(change_password(&app, &first.access, NEW));
    blocked(&holder, 1).await;
    let two = beside(change_password(&app, &second.access, "a third horse, a third battery"));
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    let new = one.await.unwrap().pair();
    two.await.unwrap().problem(401, "token_revoked");
    standing(&app, &new.access).await;
    dead(&app, &second.access).await;
}
