//! `POST /api/v1/admin/revocations` and `admin tokens revoke`: every kind, and who may.

use serde_json::{Value, json};
use shared::revocation::Kind;

use crate::support::{Command, ISSUER, Reply, TestApp, new_id};
use crate::witness::{
    alive, claims, dead, holder, outdated, refresh, session_of, stale, standing, superuser, text_of, user_of,
};

const PATH: &str = "/api/v1/admin/revocations";

async fn order(app: &TestApp, access: &str, body: Value) -> Reply {
    app.client.post(PATH).bearer(access).json(&body).send().await
}

/// The actions in the audit log with this reason.
async fn audited(app: &TestApp, reason: &str) -> Vec<String> {
    let actions = "select action from auth.audit_log where texts->>'reason' = $1 order by seq";
    app.sql().await.query(actions, &[&reason]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn each_kind_refuses_what_it_names_and_is_audited() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let pair = app.client.new_user("neo@example.org").await;
    let jti = text_of(&claims(&pair.access), "jti");

    order(&app, &root, json!({ "token": jti, "reason": "why" })).await.expect(204);
    dead(&app, &pair.access).await;
    let pair = refresh(&app, &pair.refresh).send().await.pair();
    standing(&app, &pair.access).await;

    order(&app, &root, json!({ "session": session_of(&pair), "reason": "why" })).await.expect(204);
    dead(&app, &pair.access).await;

    let pair = app.client.sign_in("neo@example.org").await;
    order(&app, &root, json!({ "user": user_of(&pair), "reason": "why" })).await.expect(204);
    dead(&app, &pair.access).await;
    refresh(&app, &pair.refresh).send().await.problem(401, "session_revoked");

    let pair = app.client.sign_in("neo@example.org").await;
    order(&app, &root, json!({ "everything": ISSUER, "reason": "why" })).await.expect(204);
    dead(&app, &pair.access).await;
    let actions = ["token_revoked", "session_ended", "sessions_ended", "everybody_signed_out"];
    assert_eq!(audited(&app, "why").await, actions);
}

#[tokio::test]
async fn a_refresh_is_enough_where_the_order_says_so() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let pair = app.client.new_user("neo@example.org").await;
    let jti = text_of(&claims(&pair.access), "jti");

    let body = json!({ "token": jti, "refresh_only": true, "reason": "why" });
    order(&app, &root, body).await.expect(204);
    outdated(&app, &pair.access).await;
    let pair = refresh(&app, &pair.refresh).send().await.pair();
    standing(&app, &pair.access).await;

    let id = user_of(&pair);
    let body = json!({ "user": id, "refresh_only": true, "reason": "why" });
    order(&app, &root, body).await.expect(204);
    outdated(&app, &pair.access).await;
    let pair = refresh(&app, &pair.refresh).send().await.pair();
    standing(&app, &pair.access).await;
    assert_eq!(audited(&app, "why").await, ["token_revoked", "refresh_forced"]);
}

#[tokio::test]
async fn a_killed_key_refuses_its_tokens_at_once() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let listed = Command::new(&app.vars, &["keys", "list"]).run().await.succeeded();
    let kid = listed.lines().find(|line| line.contains("active")).unwrap().split(' ').next().unwrap();

    order(&app, &root, json!({ "key": kid, "reason": "leaked" })).await.expect(204);

    // Revoked, or invalid once the process has loaded the keys again.
    app.client.get("/api/v1/me").bearer(&root).send().await.expect(401);
    let killed = app.log.await_count(1).await;
    assert_eq!((app.log.current().await[0].kind, killed.seq), (Kind::Key, 1));
    assert_eq!(audited(&app, "leaked").await, ["key_killed"]);
}

#[tokio::test]
async fn only_a_superuser_who_signed_in_recently_may_and_not_upon_their_own_account() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    let pair = app.client.new_user("neo@example.org").await;
    let body = json!({ "session": session_of(&pair), "reason": "why" });

    app.client.post(PATH).json(&body).send().await.problem(401, "token_missing");
    order(&app, &pair.access, body.clone()).await.problem(403, "forbidden");
    let operator = holder(&app, "trinity@example.org", &["sessions:end"]).await;
    order(&app, &operator.access, body.clone()).await.problem(403, "forbidden");
    let own = json!({ "user": user_of(&root), "reason": "why" });
    order(&app, &root.access, own).await.problem(403, "forbidden");
    alive(&app, &root.access).await;
    let root = stale(&app, &root).await;
    order(&app, &root.access, body).await.problem(403, "fresh_auth_required");
    alive(&app, &pair.access).await;
}

#[tokio::test]
async fn what_does_not_exist_is_404_and_what_cannot_be_meant_is_422() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    for (kind, id) in
        [("session", new_id().to_string()), ("user", new_id().to_string()), ("key", "none".to_owned())]
    {
        let body = json!({ kind: id, "reason": "why" });
        order(&app, &root, body).await.problem(404, "not_found");
    }
    let id = new_id();
    for body in [
        json!({ "token": "x", "reason": "why" }),
        json!({ "reason": "why" }),
        json!({ "token": id, "user": id, "reason": "why" }),
        json!({ "everything": "x", "reason": "why" }),
        json!({ "everything": ISSUER, "refresh_only": true, "reason": "why" }),
        json!({ "session": id, "refresh_only": true, "reason": "why" }),
        json!({ "all": true, "reason": "why" }),
        json!({ "everything": ISSUER }),
        json!({ "everything": ISSUER, "reason": " " }),
    ] {
        order(&app, &root, body).await.problem(422, "validation_failed");
    }
    assert_eq!(app.log.meta().await.unwrap().seq, 0);
}

#[tokio::test]
async fn the_command_revokes_one_token() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let jti = text_of(&claims(&pair.access), "jti");

    let told = Command::new(&app.vars, &["tokens", "revoke", &jti, "--reason", "Found in a log"]).run().await;

    assert!(told.succeeded().contains(&jti));
    dead(&app, &pair.access).await;
    refresh(&app, &pair.refresh).send().await.pair();
    assert_eq!(audited(&app, "Found in a log").await, ["token_revoked"]);
    let wrong = Command::new(&app.vars, &["tokens", "revoke", "neo", "--reason", "x"]).run().await;
    assert_eq!(wrong.code, 2, "{}", wrong.err);
}
