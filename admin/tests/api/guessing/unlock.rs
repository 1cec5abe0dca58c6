//! An operator lets a user try passwords again.

use serde_json::json;

use super::{STRANGER, forget_networks, guess, login_from, refused};
use crate::support::{Command, PASSWORD, TestApp};
use crate::witness::{holder, items_of, superuser, user_of};

const NEO: &str = "neo@example.org";

#[tokio::test]
async fn an_operator_makes_the_failures_of_an_account_void() {
    let app = TestApp::start().await;
    let neo = app.client.new_user(NEO).await;
    let support = holder(&app, "support@example.org", &["users:write"]).await;
    let path = format!("/api/v1/admin/users/{}/unlock", user_of(&neo));
    let body = json!({ "current_password": "wrong", "login": "the-one" });
    for _ in 0..5 {
        let call = app.client.put("/api/v1/me/login").bearer(&neo.access).json(&body);
        call.send().await.problem(403, "current_password_wrong");
    }
    guess(&app, STRANGER, NEO, 10).await;
    guess(&app, "127.0.0.1", NEO, 10).await;
    for address in [STRANGER, "127.0.0.1"] {
        refused(&app, address, NEO).await;
    }
    app.client.post(&path).bearer(&support.access).send().await.expect(204);
    for address in [STRANGER, "127.0.0.1"] {
        login_from(&app, address, NEO, PASSWORD).send().await.pair();
    }
    let call = app.client.put("/api/v1/me/login").bearer(&neo.access).json(&body);
    call.send().await.problem(403, "current_password_wrong");
    // Other accounts are not concerned, and no other permission is enough.
    let reader = holder(&app, "reader@example.org", &["users:read"]).await;
    app.client.post(&path).bearer(&reader.access).send().await.problem(404, "not_found");

    let root = superuser(&app).await;
    let audit = app.client.get("/api/v1/admin/audit?action=user_unlocked").bearer(&root.access).send().await;
    let items = items_of(&audit.expect(200).json());
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["target_id"], user_of(&neo).to_string());
}

#[tokio::test]
async fn the_command_unlocks_a_user_by_any_name() {
    let app = TestApp::start().await;
    let body = json!({ "email": NEO, "login": "the-one", "password": PASSWORD });
    app.client.post("/api/v1/auth/register").json(&body).send().await.expect(201);
    let id = user_of(&app.client.sign_in(NEO).await).to_string();
    for name in [NEO, "The-One", &id] {
        guess(&app, STRANGER, NEO, 10).await;
        refused(&app, STRANGER, NEO).await;
        let out = Command::new(&app.vars, &["users", "unlock", name]).run().await.succeeded();
        assert!(out.starts_with(&format!("Unlocked {id}")), "{out}");
        login_from(&app, STRANGER, NEO, PASSWORD).send().await.pair();
        // From now on that network is known.
        forget_networks(&app).await;
    }
    let ended = Command::new(&app.vars, &["users", "unlock", "unknown"]).run().await;
    assert_eq!(ended.code, 1, "{ended:?}");
}
