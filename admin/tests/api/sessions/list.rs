//! `GET /api/v1/me/sessions` and `DELETE /api/v1/me/sessions/{sid}`.

use serde_json::json;
use uuid::Uuid;

use crate::support::{PASSWORD, Reply, TestApp};
use crate::witness::{dead, refresh, standing};

async fn end(app: &TestApp, access: &str, session: &str) -> Reply {
    app.client.delete(&format!("/api/v1/me/sessions/{session}")).bearer(access).send().await
}

#[tokio::test]
async fn sessions_are_listed_and_the_own_one_is_marked() {
    let app = TestApp::start().await;
    let first = app.client.new_user("neo@example.org").await;
    let body = json!({ "email": "neo@example.org", "password": PASSWORD, "device_name": "Телевизор" });
    let call = app.client.post("/api/v1/auth/login").json(&body).header("user-agent", "film/1");
    let second = call.header("x-forwarded-for", "198.51.100.7").send().await.pair();
    app.client.new_user("trinity@example.org").await;

    let list = app.client.get("/api/v1/me/sessions").bearer(&first.access).send().await.expect(200).json();

    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!((&items[0]["session_id"], &items[0]["current"]), (&json!(second.session), &json!(false)));
    assert_eq!((&items[1]["session_id"], &items[1]["current"]), (&json!(first.session), &json!(true)));
    assert_eq!((&items[0]["address"], &items[0]["user_agent"]), (&json!("198.51.100.7"), &json!("film/1")));
    assert_eq!(items[0]["device_name"], "Телевизор");
}

#[tokio::test]
async fn sessions_that_ended_are_not_listed() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let ended = app.client.sign_in("neo@example.org").await;
    app.client.sign_in("neo@example.org").await;
    app.client.post("/api/v1/auth/logout").bearer(&ended.access).send().await.expect(204);
    let expire = "update auth.sessions set idle_expires_at = clock_timestamp()
                  where id = (select id from auth.sessions order by id desc limit 1)";
    app.sql().await.batch_execute(expire).await.unwrap();

    let list = app.client.get("/api/v1/me/sessions").bearer(&pair.access).send().await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_of_ones_own_can_be_ended() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let other = app.client.sign_in("neo@example.org").await;

    end(&app, &pair.access, &other.session).await.expect(204);

    dead(&app, &other.access).await;
    refresh(&app, &other.refresh).send().await.problem(401, "session_revoked");
    standing(&app, &pair.access).await;
    end(&app, &pair.access, &other.session).await.problem(404, "not_found");
}

#[tokio::test]
async fn the_session_that_asks_can_end_itself() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    end(&app, &pair.access, &pair.session).await.expect(204);
    dead(&app, &pair.access).await;
}

#[tokio::test]
async fn another_persons_session_is_not_there() {
    let app = TestApp::start().await;
    let neo = app.client.new_user("neo@example.org").await;
    let trinity = app.client.new_user("trinity@example.org").await;
    for session in [trinity.session.as_str(), &Uuid::nil().to_string(), "not-a-session", "%00"] {
        end(&app, &neo.access, session).await.problem(404, "not_found");
    }
    standing(&app, &trinity.access).await;
    app.client
        .delete(&format!("/api/v1/me/sessions/{}", neo.session))
        .send()
        .await
        .problem(401, "token_missing");
}
