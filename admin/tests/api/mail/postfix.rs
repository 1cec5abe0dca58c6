//! Postfix instead of our own mail server: TLS of both kinds, passwords, letters beyond ASCII, refusals, and an outage.

use harness::Postfix;
use harness::postfix::DOMAIN;
use serde_json::json;

use crate::support::{TestApp, until};

/// A service in mode `verify` that sends by this server, with some variables changed.
async fn service(postfix: &Postfix, implicit_tls: bool, changes: &[(&'static str, &str)]) -> TestApp {
    let of_server = postfix.admin_env(implicit_tls).unwrap();
    let mut vars: Vec<(&'static str, &str)> =
        of_server.iter().map(|(name, value)| (*name, value.as_str())).collect();
    vars.extend([
        ("ADMIN_MAIL_FROM", "Cinema <no-reply@cinema.example>"),
        ("ADMIN_PUBLIC_URL", "https://cinema.example"),
        ("ADMIN_REGISTRATION", "verify"),
    ]);
    vars.extend(changes);
    TestApp::start_with(&vars).await
}

async fn register(app: &TestApp, email: &str) {
    let body = json!({ "email": email, "locale": "ru" });
    app.client.post("/api/v1/auth/register").json(&body).send().await.expect(202);
}

/// Waits for the mail to this address, and returns it.
async fn mail_to(postfix: &Postfix, address: &str) -> String {
    let header = format!("Delivered-To: {address}\n");
    until("Postfix keeps the mail", async || {
        postfix.mails().unwrap().into_iter().find(|mail| mail.contains(&header))
    })
    .await
}

async fn waiting(app: &TestApp) -> i64 {
    app.sql().await.query_one("select count(*) from auth.mail_outbox", &[]).await.unwrap().get(0)
}

async fn counts(app: &TestApp, reason: &str) {
    let wanted = format!("usher_admin_mail_failures_total{{reason=\"{reason}\"}} ");
    until("the failure is counted", async || {
        let text = app.ops.get("/metrics").send().await.expect(200).text;
        let count = text.lines().find_map(|line| line.strip_prefix(wanted.as_str())).map(str::to_owned);
        count.filter(|count| count != "0").map(drop)
    })
    .await;
}

#[tokio::test]
async fn it_accepts_mail_by_start_tls_and_by_implicit_tls() {
    let postfix = Postfix::start().await.unwrap();
    for (implicit_tls, email) in [(false, "neo@example.org"), (true, "trinity@example.org")] {
        let app = service(&postfix, implicit_tls, &[]).await;
        register(&app, email).await;
        let mail = mail_to(&postfix, email).await;
        for part in ["Message-ID: <", "multipart/alternative", "text/plain", "text/html"] {
            assert!(mail.contains(part), "{part}: {mail}");
        }
        assert!(mail.contains("ESMTPSA"), "with TLS and a password: {mail}");
        until("the outbox is empty", async || (waiting(&app).await == 0).then_some(())).await;
    }
}

#[tokio::test]
async fn an_address_beyond_ascii_gets_its_mail() {
    let postfix = Postfix::start().await.unwrap();
    let app = service(&postfix, false, &[]).await;
    let email = format!("нео@{DOMAIN}");
    register(&app, &email).await;
    let mail = mail_to(&postfix, &email).await;
    assert!(mail.contains("UTF8SMTPSA"), "{mail}");
}

#[tokio::test]
async fn a_recipient_that_it_refuses_is_given_up_and_a_wrong_password_is_not() {
    let postfix = Postfix::start().await.unwrap();
    let app = service(&postfix, false, &[]).await;
    register(&app, "neo@elsewhere.example").await;
    counts(&app, "recipient").await;
    until("the outbox is empty", async || (waiting(&app).await == 0).then_some(())).await;

    let app = service(&postfix, false, &[("ADMIN_MAIL_PASSWORD", "not the password")]).await;
    register(&app, "neo@example.org").await;
    counts(&app, "server").await;
    assert_eq!((waiting(&app).await, postfix.mails().unwrap()), (1, Vec::new()));
}

#[tokio::test]
async fn a_mail_waits_while_it_is_stopped() {
    let mut postfix = Postfix::start().await.unwrap();
    let app = service(&postfix, false, &[]).await;
    postfix.stop().await.unwrap();
    register(&app, "neo@example.org").await;
    counts(&app, "connection").await;
    assert_eq!(waiting(&app).await, 1);
    postfix.start_again().await.unwrap();
    // By itself, after the pauses of the mail and of the worker: a mail that a test makes due while it is being sent would be
    // sent again and again.
    until("the outbox is empty", async || (waiting(&app).await == 0).then_some(())).await;
    mail_to(&postfix, "neo@example.org").await;
}
