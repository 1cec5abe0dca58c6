//! Sign-in by a code from a mail.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Post, code_in, other_code};
use crate::support::{PASSWORD, Pair, Reply, TestApp};
use crate::witness::{sign_in, user_of};

const NEO: &str = "neo@example.org";

async fn ask(app: &TestApp, email: &str) -> Reply {
    app.client.post("/api/v1/auth/mail-code").json(&json!({ "email": email })).send().await
}

async fn flow(app: &TestApp, email: &str) -> String {
    ask(app, email).await.expect(202).field("/flow")
}

async fn enter(app: &TestApp, flow: &str, code: &str) -> Reply {
    let body = json!({ "flow": flow, "code": code, "device_name": "Living room" });
    app.client.post("/api/v1/auth/mail-code/login").json(&body).send().await
}

async fn change(post: &Post, sql: &str) {
    post.app.sql().await.batch_execute(sql).await.unwrap();
}

/// A user whose address is proven.
async fn proven(post: &Post) -> Pair {
    let pair = post.app.client.new_user(NEO).await;
    change(post, "update auth.users set verified_email_key = email_key").await;
    pair
}

#[tokio::test]
async fn a_code_signs_in_and_the_session_says_how() {
    let post = Post::start().await;
    let (app, first) = (&post.app, proven(&post).await);
    let flow = flow(app, "NEO@example.org").await;
    let mail = post.next_mail(NEO, 0).await;
    assert_eq!(mail.subject, "Your code to sign in");
    let code = code_in(&mail);
    enter(app, &flow, &other_code(&code)).await.problem(403, "code_wrong");
    let pair = enter(app, &flow, &code).await.pair();
    assert_eq!(user_of(&pair), user_of(&first));
    let list = app.client.get("/api/v1/me/sessions").bearer(&pair.access).send().await.expect(200).json();
    let own = list["items"].as_array().unwrap().iter().find(|item| item["current"] == true).unwrap().clone();
    assert_eq!((&own["amr"], &own["device_name"]), (&json!(["mail"]), &json!("Living room")));

    assert_eq!(enter(app, &flow, &code).await.pair().session, pair.session);
    change(&post, "update auth.mail_proofs set used_at = used_at - interval '1 minute'").await;
    enter(app, &flow, &code).await.problem(403, "code_wrong");
    // A flow of a registration is another thing.
    enter(app, &"a".repeat(60), &code).await.problem(410, "code_expired");
}

#[tokio::test]
async fn every_address_gets_the_same_response_and_only_a_proven_one_a_code() {
    for (of, subject) in [
        ("set verified_email_key = email_key", Some("Your code to sign in")),
        ("set locale = 'en'", Some("About your request for a code")),
        ("set status = 'disabled', verified_email_key = email_key", Some("About your request for a code")),
        ("set is_superuser = true, verified_email_key = email_key", Some("About your request for a code")),
        ("set is_superuser = true", None),
        ("set email = 'x@example.org', email_key = 'x@example.org'", None),
    ] {
        let post = Post::start().await;
        post.app.client.register(NEO).await.expect(201);
        change(&post, &format!("update auth.users {of}")).await;
        let reply = ask(&post.app, NEO).await.expect(202);
        let flow = reply.field("/flow");
        assert_eq!(
            reply.text.replace(&flow, ""),
            "{\"flow\":\"\",\"expires_in\":3600,\"hint\":null}",
            "{of}"
        );
        post.until_count("true", 0).await;
        let subjects: Vec<_> = post.catcher.mails().into_iter().map(|mail| mail.subject).collect();
        assert_eq!(subjects, subject.into_iter().collect::<Vec<_>>(), "{of}");
        for _ in 0..5 {
            enter(&post.app, &flow, "000000").await.problem(403, "code_wrong");
        }
        enter(&post.app, &flow, "000000").await.problem(410, "code_expired");
    }
}

#[tokio::test]
async fn what_changes_after_the_mail_counts() {
    for of in [
        "set status = 'disabled'",
        "set is_superuser = true",
        "set verified_email_key = null",
        "set email = 'x@example.org', email_key = 'x@example.org', verified_email_key = null",
    ] {
        let post = Post::start().await;
        proven(&post).await;
        let flow = flow(&post.app, NEO).await;
        let code = code_in(&post.next_mail(NEO, 0).await);
        change(&post, &format!("update auth.users {of}")).await;
        enter(&post.app, &flow, &code).await.problem(410, "code_expired");
    }
}

#[tokio::test]
async fn this_way_stays_open_when_the_password_is_refused_and_the_refusal_names_it_for_every_name() {
    let post = Post::start().await;
    let app = &post.app;
    proven(&post).await;
    change(&post, "delete from auth.known_networks").await;
    app.begin_window(Duration::from_hours(24));
    let refusal = async |name: &str| {
        for _ in 0..10 {
            sign_in(app, name, "not the password").send().await.problem(401, "invalid_credentials");
        }
        sign_in(app, name, PASSWORD).send().await.problem(429, "too_many_attempts")
    };
    let (known, unknown) = (refusal(NEO).await, refusal("unknown@example.org").await);
    assert_eq!(known["detail"], unknown["detail"]);
    assert!(known["detail"].as_str().unwrap().contains("POST /auth/mail-code"), "{known}");

    let flow = flow(app, NEO).await;
    let pair = enter(app, &flow, &code_in(&post.next_mail(NEO, 0).await)).await.pair();
    // The device is known from now on.
    let body = json!({ "email": NEO, "password": PASSWORD, "device_token": pair.device });
    app.client.post("/api/v1/auth/login").json(&body).send().await.pair();
}

#[tokio::test]
async fn strangers_have_three_mails_an_hour_of_each_kind_and_a_resend_is_one_of_them() {
    let post = Post::start().await;
    let app = &post.app;
    proven(&post).await;
    change(&post, "delete from auth.known_networks").await;
    app.begin_window(Duration::from_hours(24));
    let flow = flow(app, NEO).await;
    for _ in 0..4 {
        let call = app.client.post("/api/v1/auth/email/resend").json(&json!({ "flow": flow }));
        call.send().await.expect(202);
    }
    post.until_count("true", 0).await;
    let mails = post.mails(3).await;
    // A reset is another kind.
    let forgot = app.client.post("/api/v1/auth/password/forgot").json(&json!({ "email": NEO }));
    forgot.send().await.expect(202);
    post.mails(4).await;
    enter(app, &flow, &code_in(&mails[0])).await.pair();
}

#[tokio::test]
async fn wrong_codes_are_in_the_login_history() {
    let post = Post::start().await;
    proven(&post).await;
    let flow = flow(&post.app, NEO).await;
    enter(&post.app, &flow, "000000").await.problem(403, "code_wrong");
    let sql =
        "select count(*) from auth.login_history where event = 'login_failed' and reason = 'wrong_code'";
    crate::support::until("the entry is written", async || {
        let found: i64 = post.app.sql().await.query_one(sql, &[]).await.unwrap().get(0);
        (found == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_mail_there_is_no_code() {
    let app = TestApp::start().await;
    ask(&app, NEO).await.problem(501, "mail_not_configured");
    let resend = app.client.post("/api/v1/auth/email/resend").json(&json!({ "flow": "a".repeat(60) }));
    let problem: Value = resend.send().await.problem(501, "mail_not_configured");
    assert_eq!(problem["status"], 501);
}

#[tokio::test]
async fn a_code_leads_to_the_question_whether_to_keep_an_account_that_will_be_erased() {
    let post = Post::start().await;
    let (app, pair) = (&post.app, proven(&post).await);
    app.client.post("/api/v1/me/erase").bearer(&pair.access).send().await.expect(202);
    post.next_mail(NEO, 0).await;

    let flow = flow(app, NEO).await;
    let code = code_in(&post.next_mail(NEO, 1).await);
    enter(app, &flow, &other_code(&code)).await.problem(403, "code_wrong");
    let problem = enter(app, &flow, &code).await.problem(403, "erasure_pending");
    assert_eq!(problem["methods"], json!(["keep", "erase_now"]));
    let kept = app.client.post("/api/v1/auth/erasure/keep").json(&json!({ "flow": problem["flow"] }));
    kept.send().await.expect(204);
    // The code was not used up by that.
    assert_eq!(user_of(&enter(app, &flow, &code).await.pair()), user_of(&pair));
}

#[tokio::test]
async fn the_code_of_an_operator_whose_account_will_be_erased_says_nothing() {
    let post = Post::start().await;
    let (app, pair) = (&post.app, proven(&post).await);
    let flow = flow(app, NEO).await;
    let code = code_in(&post.next_mail(NEO, 0).await);
    app.client.post("/api/v1/me/erase").bearer(&pair.access).send().await.expect(202);
    crate::witness::make_role(app, "helper", &["sessions:end"], &[]).await;
    crate::witness::assign(app, NEO, "helper").await;
    enter(app, &flow, &code).await.problem(410, "code_expired");
}
