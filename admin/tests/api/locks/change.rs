//! A change by a caller whose access token is revoked while the change waits.

use serde_json::json;

use super::{holding, let_go};
use crate::support::{Call, TestApp};
use crate::witness::{beside, blocked, change_password, dead, refresh, standing};

const NEW: &str = "another horse, another battery";

fn keep_current(app: &TestApp, access: &str) -> Call {
    app.client.post("/api/v1/auth/logout-all").bearer(access).json(&json!({ "keep_current": true }))
}

#[tokio::test]
async fn an_attacker_who_waited_for_the_owners_change_gets_no_pair() {
    let app = TestApp::start().await;
    // The owner and the thief hold the same token.
    let stolen = app.client.new_user("neo@example.org").await;
    let holder = holding(&app, "select from auth.users for update").await;
    let owner = beside(change_password(&app, &stolen.access, NEW));
    blocked(&holder, 1).await;
    let thief = beside(keep_current(&app, &stolen.access));
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    let new = owner.await.unwrap().pair();
    thief.await.unwrap().problem(401, "token_revoked");
    dead(&app, &stolen.access).await;
    standing(&app, &new.access).await;
    refresh(&app, &new.refresh).send().await.pair();
}

#[tokio::test]
async fn an_attacker_who_waited_cannot_end_the_owners_sessions() {
    let app = TestApp::start().await;
    let stolen = app.client.new_user("neo@example.org").await;
    let holder = holding(&app, "select from auth.users for update").await;
    let owner = beside(keep_current(&app, &stolen.access));
    blocked(&holder, 1).await;
    let thief = beside(app.client.post("/api/v1/auth/logout-all").bearer(&stolen.access));
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    let new = owner.await.unwrap().pair();
    thief.await.unwrap().problem(401, "token_revoked");
    standing(&app, &new.access).await;
}

#[tokio::test]
async fn a_token_that_waited_while_everything_was_revoked_issues_nothing() {
    for (revoke, code) in [
        ("update auth.deployment set generation = generation + 1", "token_revoked"),
        ("update auth.users set token_generation = token_generation + 1", "token_refresh_needed"),
        ("update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = 'ended'", "token_revoked"),
    ] {
        let app = TestApp::start().await;
        let pair = app.client.new_user("neo@example.org").await;
        let holder = holding(&app, "select from auth.users for update").await;
        let waiting = beside(keep_current(&app, &pair.access));
        blocked(&holder, 1).await;
        let_go(&holder, revoke).await;
        waiting.await.unwrap().problem(401, code);
    }
}

#[tokio::test]
async fn a_revoked_token_that_waited_ends_no_other_session() {
    let app = TestApp::start().await;
    let asking = app.client.new_user("neo@example.org").await;
    let other = app.client.sign_in("neo@example.org").await;
    let holder = holding(&app, "select from auth.sessions for update").await;
    let path = format!("/api/v1/me/sessions/{}", other.session);
    let ending = beside(app.client.delete(&path).bearer(&asking.access));
    blocked(&holder, 1).await;
    let revoke = format!(
        "update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = 'ended' where id = '{}'",
        asking.session
    );
    let_go(&holder, &revoke).await;

    ending.await.unwrap().problem(401, "token_revoked");
    standing(&app, &other.access).await;
}
