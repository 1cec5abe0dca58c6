//! The records of erasures: other services learn of them, and they are repeated after a restore.

use serde_json::json;
use uuid::Uuid;

use super::{NEO, exists, flow, request, settle};
use crate::support::{Command, TestApp};
use crate::witness::{holder, items_of, user_of};

/// Erases a new user.
async fn erase(app: &TestApp, email: &str) -> Uuid {
    let pair = app.client.new_user(email).await;
    request(app, &pair).await;
    settle(app, "erase-now", &flow(app, email).await).await.expect(204);
    user_of(&pair)
}

#[tokio::test]
async fn an_erasure_is_listed_until_it_is_acknowledged() {
    let app = TestApp::start().await;
    let (first, second) = (erase(&app, NEO).await, erase(&app, "trinity@example.org").await);
    let reader = holder(&app, "cinema@example.org", &["erasures:process"]).await.access;
    let list = async |query: &str| {
        let reply =
            app.client.get(&format!("/api/v1/erasures{query}")).bearer(&reader).send().await.expect(200);
        items_of(&reply.json()).iter().map(|item| item["user_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(list("").await, [json!(first), json!(second)]);
    assert_eq!(list("?limit=1").await, [json!(first)]);
    for _ in 0..2 {
        let path = format!("/api/v1/erasures/{first}/acknowledge");
        app.client.post(&path).bearer(&reader).send().await.expect(204);
        assert_eq!(list("").await, [json!(second)]);
    }
    for unknown in [Uuid::nil().to_string(), "nobody".to_owned()] {
        let path = format!("/api/v1/erasures/{unknown}/acknowledge");
        app.client.post(&path).bearer(&reader).send().await.problem(404, "not_found");
    }
    let other = holder(&app, "other@example.org", &["users:erase"]).await.access;
    app.client.get("/api/v1/erasures").bearer(&other).send().await.problem(403, "forbidden");
    let path = format!("/api/v1/erasures/{second}/acknowledge");
    app.client.post(&path).bearer(&other).send().await.problem(404, "not_found");
    app.client.get("/api/v1/erasures").send().await.problem(401, "token_missing");
}

#[tokio::test]
async fn after_a_restore_erasures_are_repeated() {
    let app = TestApp::start().await;
    let gone = erase(&app, NEO).await;
    let exported = Command::new(&app.vars, &["erasures", "export"]).run().await.succeeded();
    assert!(exported.contains(&gone.to_string()) && exported.lines().count() == 1, "{exported}");

    // A database as it was before.
    let restored = TestApp::start().await;
    let user = format!(
        "insert into auth.users (id, email, email_key) values ('{gone}', '{NEO}', '{NEO}');
         insert into auth.login_history (id, user_id, event, request_id) values (gen_random_uuid(), '{gone}', 'login', 'r')"
    );
    restored.sql().await.batch_execute(&user).await.unwrap();
    let replay = async || {
        Command::new(&restored.vars, &["erasures", "replay", "-"]).input(&exported).run().await.succeeded()
    };
    assert!(replay().await.contains("Erased 1 user(s) again; 0 did not exist"));
    assert!(!exists(&restored, gone).await);
    let history = "select count(*) from auth.login_history where user_id = $1";
    assert_eq!(restored.sql().await.query_one(history, &[&gone]).await.unwrap().get::<_, i64>(0), 0);
    assert!(replay().await.contains("Erased 0 user(s) again; 1 did not exist"));
    let bad = Command::new(&restored.vars, &["erasures", "replay", "-"]).input("{}\n").run().await;
    assert!(bad.code == 1 && bad.err.contains("line 1"), "{}", bad.err);
}
