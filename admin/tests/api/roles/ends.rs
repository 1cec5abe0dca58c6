//! Assignments that end when they expire.

use std::time::Duration;

use crate::support::{TestApp, until};
use crate::witness::{assign, assign_until, make_role, now, refresh, roles_of, standing};

#[tokio::test]
async fn when_the_end_comes_tokens_are_old_and_a_refresh_brings_the_rest() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    assign(&app, "neo@example.org", "viewer").await;
    make_role(&app, "trial", &[], &[]).await;
    let end = now() + Duration::from_secs(3);
    assign_until(&app, "neo@example.org", "trial", Some(end)).await.unwrap();
    let pair = refresh(&app, &pair.refresh).send().await.pair();
    assert_eq!(roles_of(&pair.access), ["trial", "viewer"]);

    let generation = "select token_generation from auth.users";
    let sql = app.sql().await;
    let before: i64 = sql.query_one(generation, &[]).await.unwrap().get(0);
    until("the assignment ends", async || {
        let now: i64 = sql.query_one(generation, &[]).await.unwrap().get(0);
        (now > before).then_some(())
    })
    .await;

    assert!(now() >= end);
    let left: i64 = sql.query_one("select count(*) from auth.user_roles", &[]).await.unwrap().get(0);
    assert_eq!(left, 1);
    let reason = "select reason, arg from auth.revocations where kind = 3 order by id desc limit 1";
    let row = sql.query_one(reason, &[]).await.unwrap();
    assert_eq!((row.get::<_, i16>(0), row.get::<_, i64>(1)), (2, before + 1));
    let next = refresh(&app, &pair.refresh).send().await.pair();
    assert_eq!(roles_of(&next.access), ["viewer"]);
    standing(&app, &next.access).await;
    let ended =
        "select detail ->> 'role' from auth.audit_log where action = 'role_ended' and actor_kind = 'service'";
    assert_eq!(sql.query_one(ended, &[]).await.unwrap().get::<_, &str>(0), "trial");
    let metrics = app.ops.get("/metrics").send().await.expect(200).text;
    assert!(metrics.contains("usher_admin_role_assignments_expired_total 1"), "{metrics}");
}

#[tokio::test]
async fn of_several_replicas_one_ends_an_assignment_once() {
    let app = TestApp::start().await;
    let replica = app.replica().await;
    let pair = app.client.new_user("neo@example.org").await;
    make_role(&app, "trial", &[], &[]).await;
    let end = now() + Duration::from_millis(1500);
    assign_until(&app, "neo@example.org", "trial", Some(end)).await.unwrap();

    let sql = app.sql().await;
    let ended = "select count(*) from auth.audit_log where action = 'role_ended'";
    until("the assignment ends", async || {
        (sql.query_one(ended, &[]).await.unwrap().get::<_, i64>(0) > 0).then_some(())
    })
    .await;

    let next = refresh(&replica, &pair.refresh).send().await.pair();
    standing(&app, &next.access).await;
    assert_eq!(sql.query_one(ended, &[]).await.unwrap().get::<_, i64>(0), 1);
}
