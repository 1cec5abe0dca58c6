//! Secrets that no log line may contain.

use serde_json::json;

use crate::support::{Lines, TestApp};
use crate::witness::{change_password, refresh, sign_in};

#[tokio::test]
async fn no_password_token_or_address_reaches_a_log_line() {
    let lines = Lines::keep();
    let app = TestApp::start().await;
    let password = "canary-password horse battery";
    let body = json!({ "email": "canary-mail@example.org", "login": "canary-login", "password": password,
                       "display_name": "canary-name" });

    app.client.post("/api/v1/auth/register").json(&body).send().await.expect(201);
    app.client.post("/api/v1/auth/register").json(&body).send().await.expect(409);
    sign_in(&app, "canary-mail@example.org", "canary-password wrong").send().await.expect(401);
    let pair = sign_in(&app, "canary-mail@example.org", password).send().await.pair();
    let next = refresh(&app, &pair.refresh).send().await.pair();
    let last = refresh(&app, &next.refresh).send().await.pair();
    app.client
        .put("/api/v1/me/password")
        .bearer(&last.access)
        .json(&json!({ "current_password": password, "new_password": "canary" }))
        .send()
        .await
        .expect(422);
    change_password(&app, &last.access, "canary-password new").send().await.expect(403);
    app.sql().await.batch_execute("update auth.users set password_hash = 'canary-hash'").await.unwrap();
    sign_in(&app, "canary-mail@example.org", password).send().await.expect(401);
    refresh(&app, &pair.refresh).send().await.expect(401);
    app.client.get("/api/v1/me").bearer(&last.access).send().await.expect(401);

    let logged = lines.text();
    assert!(logged.contains("Refresh token reuse detected"), "the log is read");
    for secret in ["canary", &pair.refresh, &pair.access, &next.refresh, &last.access, &last.refresh] {
        let line = logged.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}
