//! `admin sessions end-all`.

use shared::revocation::Kind;

use crate::support::{Command, TestApp, until};
use crate::witness::{dead, items_of, refresh, standing};

#[tokio::test]
async fn all_users_are_signed_out_and_can_sign_in_again() {
    let app = TestApp::start().await;
    let neo = app.client.new_user("neo@example.org").await;
    let trinity = app.client.new_user("trinity@example.org").await;

    let told = Command::new(&app.vars, &["sessions", "end-all", "--yes"]).run().await.succeeded();

    assert!(told.contains("below generation 2"), "{told}");
    for pair in [&neo, &trinity] {
        dead(&app, &pair.access).await;
        refresh(&app, &pair.refresh).send().await.problem(401, "session_revoked");
    }
    let back = app.client.sign_in("neo@example.org").await;
    standing(&app, &back.access).await;
    let again = refresh(&app, &back.refresh).send().await.pair();
    standing(&app, &again.access).await;
    let record = until("it is published", async || {
        let mut records = app.log.entries().await.into_iter().map(|(_, record)| record);
        records.find(|record| record.kind == Kind::Everything)
    })
    .await;
    assert_eq!(record.argument, 2);
    let verified = Command::new(&app.vars, &["audit", "verify"]).run().await.succeeded();
    assert!(!verified.is_empty());
    let audited = "select detail->>'generation' from auth.audit_log where action = 'everybody_signed_out'";
    assert_eq!(app.sql().await.query_one(audited, &[]).await.unwrap().get::<_, &str>(0), "2");
}

#[tokio::test]
async fn a_session_ended_for_all_users_is_neither_listed_nor_ended_again() {
    let app = TestApp::start().await;
    let before = app.client.new_user("neo@example.org").await;
    Command::new(&app.vars, &["sessions", "end-all", "--yes"]).run().await.succeeded();
    let now = app.client.sign_in("neo@example.org").await;

    let list = app.client.get("/api/v1/me/sessions").bearer(&now.access).send().await.expect(200).json();
    assert_eq!(items_of(&list).len(), 1);
    let gone = format!("/api/v1/me/sessions/{}", before.session);
    app.client.delete(&gone).bearer(&now.access).send().await.problem(404, "not_found");
    let all = app.client.post("/api/v1/auth/logout-all").bearer(&now.access).send().await.expect(200);
    assert_eq!(all.json()["revoked"], 1);
}

#[tokio::test]
async fn a_session_that_a_release_before_this_one_began_is_signed_out_as_well() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    // The previous release leaves the column at its default.
    let begun = "update auth.sessions set deployment_generation = default";
    app.sql().await.batch_execute(begun).await.unwrap();
    let next = refresh(&app, &pair.refresh).send().await.pair();
    Command::new(&app.vars, &["sessions", "end-all", "--yes"]).run().await.succeeded();
    dead(&app, &next.access).await;
    refresh(&app, &next.refresh).send().await.problem(401, "session_revoked");
}

#[tokio::test]
async fn no_user_is_signed_out_without_the_confirmation_flag() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let ended = Command::new(&app.vars, &["sessions", "end-all"]).run().await;
    assert!(ended.code == 2 && ended.err.contains("--yes"), "{}", ended.err);
    standing(&app, &pair.access).await;
}

#[tokio::test]
async fn no_refresh_under_way_outlives_it() {
    let app = TestApp::start().await;
    let mut pairs = vec![app.client.new_user("neo@example.org").await];
    for _ in 0..5 {
        pairs.push(app.client.sign_in("neo@example.org").await);
    }
    let refreshing = pairs.into_iter().map(|mut pair| {
        let client = app.client.clone();
        tokio::spawn(async move {
            loop {
                let reply = client.refresh(&pair.refresh).await;
                if reply.status != 200 {
                    return (reply, pair);
                }
                pair = reply.pair();
            }
        })
    });
    let refreshing: Vec<_> = refreshing.collect();

    Command::new(&app.vars, &["sessions", "end-all", "--yes"]).run().await.succeeded();

    for task in refreshing {
        let (reply, pair) = task.await.unwrap();
        reply.problem(401, "session_revoked");
        dead(&app, &pair.access).await;
    }
}
