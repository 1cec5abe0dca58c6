//! A refresh concurrent with everything that revokes.

use admin::actor::Actor;
use admin::roles::{NewAssignment, assign_by_email};
use serde_json::json;

use super::{CHANGE_ROLES, STOP_BEFORE_ROLES, holding, let_go};
use crate::support::TestApp;
use crate::witness::{
    assign, beside, blocked, change_password, claims, dead, make_role, outdated, refresh, roles_of,
    session_of, standing, user_of,
};

async fn another_replica(app: &TestApp) -> TestApp {
    let replica = TestApp::launch_on(app.vars.clone()).await;
    replica.await_ready().await;
    replica
}

#[tokio::test]
async fn roles_that_change_between_generation_and_roles_are_new_under_the_old_generation() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let role_change = holding(&app, STOP_BEFORE_ROLES).await;

    let refreshing = beside(refresh(&app, &pair.refresh));
    blocked(&role_change, 1).await;
    let_go(&role_change, CHANGE_ROLES).await;

    let minted = refreshing.await.unwrap().pair();
    assert_eq!(roles_of(&minted.access), ["subscriber"]);
    assert_eq!(claims(&minted.access)["gen"], claims(&pair.access)["gen"]);
    app.client.get("/api/v1/me").bearer(&minted.access).send().await.problem(401, "token_refresh_needed");
    let next = refresh(&app, &minted.refresh).send().await.pair();
    assert!(claims(&next.access)["gen"].as_u64() > claims(&minted.access)["gen"].as_u64());
    standing(&app, &next.access).await;
}

#[tokio::test]
async fn roles_that_are_about_to_change_stay_old_under_the_old_generation() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let role_change = holding(&app, CHANGE_ROLES).await;

    let minted = refresh(&app, &pair.refresh).send().await.pair();
    let_go(&role_change, "select 1").await;

    assert_eq!(roles_of(&minted.access), Vec::<String>::new());
    assert_eq!(claims(&minted.access)["gen"], claims(&pair.access)["gen"]);
    app.client.get("/api/v1/me").bearer(&minted.access).send().await.problem(401, "token_refresh_needed");
}

#[tokio::test]
async fn a_refresh_that_waited_while_roles_changed_has_generation_and_roles_both_new() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let holder = holding(&app, "select from auth.sessions for update").await;

    let refreshing = beside(refresh(&app, &pair.refresh));
    blocked(&holder, 1).await;
    assign(&app, "neo@example.org", "subscriber").await;
    let_go(&holder, "select 1").await;

    let minted = refreshing.await.unwrap().pair();
    assert_eq!(roles_of(&minted.access), ["subscriber"]);
    outdated(&app, &pair.access).await;
    standing(&app, &minted.access).await;
}

#[tokio::test]
async fn an_assignment_that_waits_for_no_lock_revokes_a_token_of_a_concurrent_refresh() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    make_role(&app, "subscriber", &[], &[]).await;
    let holder = holding(&app, STOP_BEFORE_ROLES).await;
    let refreshing = beside(refresh(&app, &pair.refresh));
    blocked(&holder, 1).await;
    let context = app.context.clone();
    let assigning = tokio::spawn(async move {
        let new = NewAssignment::new(None, None);
        assign_by_email(
            &context,
            &Actor::command(),
            "neo@example.org".parse().unwrap(),
            "subscriber".parse().unwrap(),
            new,
        )
        .await
    });
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    assigning.await.unwrap().unwrap();
    let minted = refreshing.await.unwrap().pair();
    outdated(&app, &minted.access).await;
    let next = refresh(&app, &minted.refresh).send().await.pair();
    assert_eq!(roles_of(&next.access), ["subscriber"]);
    standing(&app, &next.access).await;
}

#[tokio::test]
async fn a_refresh_that_waited_for_a_sign_out_gets_nothing() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let sign_out = "update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = 'logout'";
    let holder = holding(&app, sign_out).await;

    let refreshing = beside(refresh(&app, &pair.refresh));
    blocked(&holder, 1).await;
    let_go(&holder, "select 1").await;

    refreshing.await.unwrap().problem(401, "session_revoked");
}

#[tokio::test]
async fn a_sign_out_that_waited_for_a_refresh_kills_what_it_minted() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let holder = holding(&app, STOP_BEFORE_ROLES).await;
    let refreshing = beside(refresh(&app, &pair.refresh));
    blocked(&holder, 1).await;
    // In one process they would wait for each other before PostgreSQL.
    let replica = another_replica(&app).await;
    let signing_out = beside(replica.client.post("/api/v1/auth/logout").bearer(&pair.access));
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    let minted = refreshing.await.unwrap().pair();
    signing_out.await.unwrap().expect(204);
    dead(&app, &minted.access).await;
    refresh(&app, &minted.refresh).send().await.problem(401, "session_revoked");
}

#[tokio::test]
async fn ending_sessions_revokes_a_token_of_a_concurrent_refresh_of_another_session() {
    for ending in ["password", "logout-all", "keep-current"] {
        let app = TestApp::start().await;
        let refreshed = app.client.new_user("neo@example.org").await;
        let asking = app.client.sign_in("neo@example.org").await;
        let holder = holding(&app, STOP_BEFORE_ROLES).await;
        let refreshing = beside(refresh(&app, &refreshed.refresh));
        blocked(&holder, 1).await;
        let ending = beside(match ending {
            "password" => change_password(&app, &asking.access, "another horse, another battery"),
            "logout-all" => app.client.post("/api/v1/auth/logout-all").bearer(&asking.access),
            _ => app
                .client
                .post("/api/v1/auth/logout-all")
                .bearer(&asking.access)
                .json(&json!({ "keep_current": true })),
        });
        blocked(&holder, 2).await;
        let_go(&holder, "select 1").await;

        let minted = refreshing.await.unwrap().pair();
        ending.await.unwrap().expect(200);
        dead(&app, &minted.access).await;
        refresh(&app, &minted.refresh).send().await.problem(401, "session_revoked");
    }
}

#[tokio::test]
async fn a_refresh_of_the_kept_session_beside_a_change_of_password_leaves_only_the_new_pair() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let holder = holding(&app, STOP_BEFORE_ROLES).await;
    let refreshing = beside(refresh(&app, &pair.refresh));
    blocked(&holder, 1).await;
    let changing = beside(change_password(&app, &pair.access, "another horse, another battery"));
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    let minted = refreshing.await.unwrap().pair();
    let new = changing.await.unwrap().pair();
    dead(&app, &minted.access).await;
    refresh(&app, &minted.refresh).send().await.problem(401, "session_revoked");
    standing(&app, &new.access).await;
    refresh(&app, &new.refresh).send().await.pair();
}

#[tokio::test]
async fn a_refresh_that_waited_for_a_change_of_password_ends_nothing() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    // The change holds the session and waits before reading roles; the refresh comes after it.
    let holder = holding(&app, STOP_BEFORE_ROLES).await;
    let changing = beside(change_password(&app, &pair.access, "another horse, another battery"));
    blocked(&holder, 1).await;
    let refreshing = beside(refresh(&app, &pair.refresh));
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    let new = changing.await.unwrap().pair();
    refreshing.await.unwrap().problem(401, "session_revoked");
    standing(&app, &new.access).await;
    refresh(&app, &new.refresh).send().await.pair();
}

#[tokio::test]
async fn a_user_disabled_while_a_refresh_waits_gets_nothing() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let holder = holding(&app, "select from auth.sessions for update").await;
    let refreshing = beside(refresh(&app, &pair.refresh));
    blocked(&holder, 1).await;
    app.sql().await.batch_execute("update auth.users set status = 'disabled'").await.unwrap();
    let_go(&holder, "select 1").await;
    refreshing.await.unwrap().problem(401, "session_revoked");
}

#[tokio::test]
async fn a_reused_token_beside_a_refresh_revokes_the_session() {
    let app = TestApp::start().await;
    let first = app.client.new_user("neo@example.org").await;
    let second = refresh(&app, &first.refresh).send().await.pair();
    let third = refresh(&app, &second.refresh).send().await.pair();
    let holder = holding(&app, STOP_BEFORE_ROLES).await;
    let refreshing = beside(refresh(&app, &third.refresh));
    blocked(&holder, 1).await;
    let replica = another_replica(&app).await;
    let reusing = beside(refresh(&replica, &first.refresh));
    blocked(&holder, 2).await;
    let_go(&holder, "select 1").await;

    let minted = refreshing.await.unwrap().pair();
    reusing.await.unwrap().problem(401, "refresh_token_reused");
    dead(&app, &minted.access).await;
    assert_eq!((user_of(&minted), session_of(&minted)), (user_of(&first), session_of(&first)));
}

#[tokio::test]
async fn the_end_of_a_record_counts_from_after_the_wait_for_the_lock() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let holder = holding(&app, "select from auth.sessions for update").await;
    let signing_out = beside(app.client.post("/api/v1/auth/logout").bearer(&pair.access));
    blocked(&holder, 1).await;
    let released: jiff::Timestamp = holder.query_one("select clock_timestamp()", &[]).await.unwrap().get(0);
    let_go(&holder, "select 1").await;
    signing_out.await.unwrap().expect(204);

    let sql = "select until >= $1::timestamptz + interval '20 minutes' from auth.revocations";
    assert!(holder.query_one(sql, &[&released]).await.unwrap().get::<_, bool>(0));
}
