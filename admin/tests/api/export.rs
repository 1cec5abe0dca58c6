//! What a user gets of what is stored.

use serde_json::{Value, json};

use crate::mail::Post;
use crate::pages::visitor::Visitor;
use crate::support::{Command, Pair, Reply, TestApp};
use crate::witness::{holder, make_role, sign_in, stale, superuser, user_of};

const NEO: &str = "neo@example.org";

async fn request(app: &TestApp, pair: &Pair) -> Reply {
    app.client.post("/api/v1/me/export").bearer(&pair.access).send().await
}

/// A user with a role whose reason an operator wrote, and with a failed sign-in.
async fn user(app: &TestApp) -> Pair {
    let root = superuser(app).await;
    let neo = user_of(&app.client.new_user(NEO).await);
    make_role(app, "subscriber", &["films:watch"], &[]).await;
    let path = format!("/api/v1/users/{neo}/roles/subscriber");
    let grant = json!({ "reason": "Written by an operator." });
    app.client.put(&path).bearer(&root.access).json(&grant).send().await.expect(201);
    sign_in(app, NEO, "not the password").send().await.problem(401, "invalid_credentials");
    app.client.sign_in(NEO).await
}

fn check(export: &Value) {
    assert_eq!(export["profile"]["email"], NEO);
    assert_eq!(export["roles"][0]["name"], "subscriber");
    assert!(export["sessions"].as_array().unwrap().len() >= 2, "{export}");
    let events: Vec<&str> = export["login_history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["event"].as_str().unwrap())
        .collect();
    assert!(events.contains(&"login"), "{events:?}");
    let text = export.to_string();
    for secret in ["Written by an operator.", "argon2", "password_hash", "wrong_password", "superusers.test"]
    {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn without_mail_the_answer_is_the_export_once_a_day() {
    let app = TestApp::start().await;
    let pair = user(&app).await;
    check(&request(&app, &pair).await.expect(200).json());
    let again = request(&app, &pair).await;
    let wait: u64 = again.header("retry-after").parse().unwrap();
    assert!(wait > 86_000 && wait <= 86_400, "{wait}");
    again.problem(429, "too_many_exports");
    let notices = app.client.get("/api/v1/me/notices").bearer(&pair.access).send().await.expect(200).json();
    assert_eq!(notices["items"][0]["kind"], "exported");
    let yesterday = "update auth.users set exported_at = exported_at - interval '1 day'";
    app.sql().await.batch_execute(yesterday).await.unwrap();
    request(&app, &pair).await.expect(200);
}

#[tokio::test]
async fn an_export_needs_a_recent_sign_in() {
    let app = TestApp::start().await;
    let old = stale(&app, &app.client.new_user(NEO).await).await;
    request(&app, &old).await.problem(403, "fresh_auth_required");
}

#[tokio::test]
async fn with_mail_a_link_to_the_proven_address_serves_it() {
    let post = Post::start().await;
    let app = &post.app;
    let pair = user(app).await;
    let proved = "update auth.users set verified_email_key = email_key";
    app.sql().await.batch_execute(proved).await.unwrap();

    request(app, &pair).await.expect(202);

    let is_link = |mail: &mail_catcher::CaughtMail| mail.text.contains("/account/export#");
    let mail =
        crate::support::until("the link is mailed", async || post.catcher.mails().into_iter().find(is_link))
            .await;
    assert_eq!(mail.to, [NEO]);
    let (_, rest) = mail.text.split_once("https://cinema.example/account/export#").unwrap();
    let token: String = rest.chars().take(43).collect();
    // A scanner that opens the page takes nothing, and the link sets no password.
    let mut page = Visitor::new(app);
    page.open("/account/export").await.expect(200);
    assert!(page.page.contains("<form id=\"form\" method=\"post\""), "{}", page.page);
    let reset = json!({ "token": token, "new_password": "another horse, another battery" });
    let call = app.client.post("/api/v1/auth/password/reset").json(&reset);
    call.send().await.problem(410, "code_expired");

    let take = async || app.client.post("/api/v1/auth/export").json(&json!({ "token": token })).send().await;
    check(&take().await.expect(200).json());
    // The same again within a minute.
    check(&take().await.expect(200).json());
    let file = page.clone().submit("/account/export", &[("token", &token)]).await.expect(200);
    assert!(file.header("content-disposition").contains("attachment"));
    check(&file.json());
    let later = "update auth.account_links set used_at = used_at - interval '2 minutes'";
    app.sql().await.batch_execute(later).await.unwrap();
    take().await.problem(410, "code_expired");
    page.submit("/account/export", &[("token", &token)]).await.expect(410);
}

#[tokio::test]
async fn an_unproven_address_gets_no_link() {
    let post = Post::start().await;
    let pair = user(&post.app).await;
    check(&request(&post.app, &pair).await.expect(200).json());
}

#[tokio::test]
async fn operators_export_with_a_reason() {
    let app = TestApp::start().await;
    let neo = user(&app).await;
    let support = holder(&app, "support@example.org", &["users:export"]).await;
    let path = format!("/api/v1/admin/users/{}/export", user_of(&neo));
    let call = app.client.post(&path).bearer(&support.access).json(&json!({ "reason": "Asked by letter." }));
    check(&call.send().await.expect(200).json());
    let printed = Command::new(&app.vars, &["users", "export", NEO, "--reason", "a"]).run().await.succeeded();
    check(&serde_json::from_str(&printed).unwrap());
    let log = "select array_agg(texts ->> 'reason' order by seq) from auth.audit_log where action = 'user_exported'";
    let reasons: Vec<String> = app.sql().await.query_one(log, &[]).await.unwrap().get(0);
    assert_eq!(reasons, ["Asked by letter.", "a"]);
}
