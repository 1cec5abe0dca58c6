//! Signing all users out, concurrently with everything that mints tokens.

use super::{STOP_BEFORE_ROLES, holding, let_go};
use crate::support::{Call, Command, PASSWORD, Pair, TestApp};
use crate::witness::{beside, blocked, change_password, dead, refresh, sign_in, standing};

async fn end_all(app: &TestApp) {
    Command::new(&app.vars, &["sessions", "end-all", "--yes"]).run().await.succeeded();
}

/// What `call` mints when all users are signed out between its read of the generation and its commit.
async fn minted_across(app: &TestApp, call: Call) -> Pair {
    let holder = holding(app, STOP_BEFORE_ROLES).await;
    let minting = beside(call);
    blocked(&holder, 1).await;
    end_all(app).await;
    let_go(&holder, "select 1").await;
    minting.await.unwrap().pair()
}

async fn is_over(app: &TestApp, pair: &Pair) {
    dead(app, &pair.access).await;
    refresh(app, &pair.refresh).send().await.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_concurrent_sign_in_gets_a_revoked_pair() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let pair = minted_across(&app, sign_in(&app, "neo@example.org", PASSWORD)).await;
    is_over(&app, &pair).await;
    standing(&app, &app.client.sign_in("neo@example.org").await.access).await;
}

#[tokio::test]
async fn a_concurrent_refresh_gets_a_revoked_pair() {
    let app = TestApp::start().await;
    let before = app.client.new_user("neo@example.org").await;
    let pair = minted_across(&app, refresh(&app, &before.refresh)).await;
    is_over(&app, &pair).await;
}

#[tokio::test]
async fn a_concurrent_change_of_password_gets_a_revoked_pair() {
    let app = TestApp::start().await;
    let before = app.client.new_user("neo@example.org").await;
    let pair =
        minted_across(&app, change_password(&app, &before.access, "another horse, another battery")).await;
    is_over(&app, &pair).await;
}

#[tokio::test]
async fn a_change_that_waited_for_its_session_gets_nothing() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    // The account and the token were accepted before.
    let holder = holding(&app, "select from auth.sessions for update").await;
    let changing = beside(change_password(&app, &pair.access, "another horse, another battery"));
    blocked(&holder, 1).await;
    end_all(&app).await;
    let_go(&holder, "select 1").await;
    changing.await.unwrap().problem(401, "token_revoked");
    app.client.sign_in("neo@example.org").await;
}

#[tokio::test]
async fn ending_all_sessions_waits_for_no_lock() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let holder =
        holding(&app, "select from auth.users for update; select from auth.sessions for update").await;
    end_all(&app).await;
    let_go(&holder, "select 1").await;
    is_over(&app, &pair).await;
}
