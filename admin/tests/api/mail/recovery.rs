//! `POST /api/v1/auth/password/forgot` and `/reset`, and the page that links open.

use mail_catcher::CaughtMail;
use serde_json::json;

use super::Post;
use crate::pages::visitor::Visitor;
use crate::support::{PASSWORD, Pair, Reply, TestApp};
use crate::witness::{change_password, dead, items_of, sign_in, superuser, user_of};

pub(super) const NEO: &str = "Neo@example.org";
pub(super) const NEW: &str = "another horse, another battery";

pub(super) async fn forgot(app: &TestApp, email: &str) -> Reply {
    app.client.post("/api/v1/auth/password/forgot").json(&json!({ "email": email })).send().await
}

pub(super) async fn reset(app: &TestApp, token: &str, password: &str) -> Reply {
    let body = json!({ "token": token, "new_password": password });
    app.client.post("/api/v1/auth/password/reset").json(&body).send().await
}

pub(super) async fn change(app: &TestApp, sql: &str) {
    app.sql().await.batch_execute(sql).await.unwrap();
}

/// A signed-in user whose address is proved.
pub(super) async fn proven(post: &Post) -> Pair {
    let pair = post.app.client.new_user(NEO).await;
    change(&post.app, "update auth.users set verified_email_key = email_key").await;
    pair
}

/// The token of the link in a mail.
pub(super) fn token(mail: &CaughtMail) -> String {
    let (_, rest) = mail.text.split_once("https://cinema.example/account/reset#").expect("a link");
    let token: String = rest.chars().take_while(|letter| !letter.is_whitespace()).collect();
    assert!(
        mail.html.contains(&format!("href=\"https://cinema.example/account/reset#{token}\"")),
        "{mail:?}"
    );
    token
}

#[tokio::test]
async fn a_link_from_the_mail_sets_a_password_once_and_ends_every_session() {
    let post = Post::start().await;
    let (app, pair) = (&post.app, proven(&post).await);

    let reply = forgot(app, "neo@EXAMPLE.org").await.expect(202);
    assert!(reply.text.is_empty());
    let mail = post.mails(1).await.remove(0);
    assert_eq!((mail.to.concat().as_str(), mail.subject.as_str()), (NEO, "Set a new password"));
    let token = token(&mail);
    let reply = reset(app, &token, NEW).await.expect(204);
    assert!(reply.text.is_empty() && reply.find_header("set-cookie").is_none(), "it opens no session");

    dead(app, &pair.access).await;
    app.client.refresh(&pair.refresh).await.problem(401, "session_revoked");
    sign_in(app, NEO, PASSWORD).send().await.problem(401, "invalid_credentials");
    let pair = sign_in(app, NEO, NEW).send().await.pair();
    let list = app.client.get("/api/v1/me/notices").bearer(&pair.access).send().await.expect(200).json();
    assert!(items_of(&list).iter().any(|item| item["kind"] == "password_changed"), "{list}");

    // Once; the same request within a minute gets the same response, and changes nothing.
    reset(app, &token, NEW).await.expect(204);
    reset(app, &token, PASSWORD).await.problem(410, "code_expired");
    change(app, "update auth.account_links set used_at = used_at - interval '1 minute'").await;
    reset(app, &token, NEW).await.problem(410, "code_expired");
    app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200);
    // The token is in no table.
    let stored = "select count(*) from auth.account_links where token_hash = sha256(convert_to($1, 'UTF8'))
                  and strpos(account_links::text, $1) = 0";
    assert_eq!(app.sql().await.query_one(stored, &[&token]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn every_address_gets_the_same_response_and_only_an_account_a_mail() {
    let post = Post::start().await;
    proven(&post).await;
    let mut answers = Vec::new();
    for email in [NEO, "trinity@example.org"] {
        let call = post.app.client.post("/api/v1/auth/password/forgot").json(&json!({ "email": email }));
        let mut reply = call.header("x-request-id", "the-same").send().await;
        reply.headers.remove("date");
        answers.push((reply.status, reply.headers, reply.text));
    }
    assert_eq!(answers[0], answers[1]);
    post.until_count("true", 0).await;
    assert_eq!(post.mails(1).await[0].to, [NEO]);
}

#[tokio::test]
async fn strangers_have_three_mails_an_hour_and_known_devices_three_more() {
    let post = Post::start().await;
    let (app, pair) = (&post.app, proven(&post).await);
    app.begin_window(std::time::Duration::from_hours(24));
    change(app, "delete from auth.known_networks").await;
    for email in [NEO, "neo+cinema@example.org", NEO, NEO, NEO] {
        forgot(app, email).await.expect(202);
    }
    post.until_count("true", 0).await;
    // The second address has no account; it is the same mailbox.
    assert_eq!(post.catcher.mails().len(), 2);
    for _ in 0..4 {
        let body = json!({ "email": NEO, "device_token": pair.device });
        app.client.post("/api/v1/auth/password/forgot").json(&body).send().await.expect(202);
    }
    post.until_count("true", 0).await;
    let mails = post.mails(5).await;

    // Three links are valid side by side.
    reset(app, &token(&mails[1]), NEW).await.problem(410, "code_expired");
    reset(app, &token(&mails[2]), NEW).await.expect(204);
    // The others are void now.
    reset(app, &token(&mails[4]), PASSWORD).await.problem(410, "code_expired");
}

#[tokio::test]
async fn a_mail_that_is_sent_twice_has_the_same_link() {
    let post = Post::start().await;
    proven(&post).await;
    post.catcher.set_fault(Some(mail_catcher::Fault::HangUpAfterContent));
    forgot(&post.app, NEO).await.expect(202);
    post.until_postponed().await;
    post.mails(1).await;
    post.catcher.set_fault(None);
    post.retry().await;
    let mails = post.mails(2).await;
    assert_eq!(token(&mails[0]), token(&mails[1]));
    reset(&post.app, &token(&mails[1]), NEW).await.expect(204);
}

#[tokio::test]
async fn some_accounts_get_only_advice() {
    for (change_of, subject) in [
        ("set status = 'disabled', verified_email_key = email_key", true),
        ("set is_superuser = true, verified_email_key = email_key", true),
        ("set is_superuser = true", false),
        // In use, the address was never proved, and its user objected to a recovery by it.
        ("set locale = 'en'", true),
    ] {
        let post = Post::start().await;
        post.app.client.new_user(NEO).await;
        let objected = "insert into auth.recoveries (user_id, email_key, effective_at, objected_at)
                        select id, email_key, clock_timestamp(), clock_timestamp() from auth.users";
        change(&post.app, objected).await;
        change(&post.app, &format!("update auth.users {change_of}")).await;
        forgot(&post.app, NEO).await.expect(202);
        post.until_count("true", 0).await;
        let subjects: Vec<_> = post.catcher.mails().into_iter().map(|mail| mail.subject).collect();
        let expected: &[&str] = if subject { &["About your request for a new password"] } else { &[] };
        assert_eq!(subjects, expected, "{change_of}");
        let links =
            post.app.sql().await.query_one("select count(*) from auth.account_links", &[]).await.unwrap();
        assert_eq!(links.get::<_, i64>(0), 0, "{change_of}");
    }
}

#[tokio::test]
async fn a_link_proves_the_address_and_the_first_proof_unlinks_what_was_linked_before() {
    let post = Post::start().await;
    let app = &post.app;
    // A stranger registered first, and waits for the owner of the address.
    app.client.register(NEO).await.expect(201);
    let link = "insert into auth.oauth_accounts (provider, subject, user_id, linked_rule)
                select 'github', 'stranger', id, 4 from auth.users";
    change(app, link).await;
    change(app, "update auth.oauth_accounts set linked_at = linked_at - interval '1 year'").await;
    forgot(app, NEO).await.expect(202);
    let token = token(&post.mails(1).await[0]);
    reset(app, &token, NEW).await.expect(204);
    let pair = sign_in(app, NEO, NEW).send().await.pair();
    let me = app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200).json();
    assert_eq!((&me["email_verified"], &me["linked_providers"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn a_link_is_used_up_by_a_success_only_and_void_after_a_change() {
    let post = Post::start().await;
    let (app, pair) = (&post.app, proven(&post).await);
    forgot(app, NEO).await.expect(202);
    let first = token(&post.mails(1).await[0]);
    for weak in ["short", "password1", "Neo@example.org"] {
        reset(app, &first, weak).await.problem(422, "password_weak");
    }
    change_password(app, &pair.access, NEW).send().await.pair();
    reset(app, &first, PASSWORD).await.problem(410, "code_expired");

    forgot(app, NEO).await.expect(202);
    let second = token(post.mails(3).await.last().unwrap());
    change(app, "update auth.account_links set expires_at = clock_timestamp()").await;
    reset(app, &second, PASSWORD).await.problem(410, "code_expired");

    forgot(app, NEO).await.expect(202);
    let third = token(post.mails(4).await.last().unwrap());
    let path = format!("/api/v1/admin/users/{}/evict", user_of(&pair));
    app.client.post(&path).bearer(&superuser(app).await.access).send().await.expect(200);
    reset(app, &third, PASSWORD).await.problem(410, "code_expired");
}

#[tokio::test]
async fn a_user_without_a_password_sets_one() {
    let post = Post::start().await;
    proven(&post).await;
    change(&post.app, "update auth.users set password_hash = null, password_changed_at = null").await;
    forgot(&post.app, NEO).await.expect(202);
    reset(&post.app, &token(&post.mails(1).await[0]), NEW).await.expect(204);
    sign_in(&post.app, NEO, NEW).send().await.pair();
}

#[tokio::test]
async fn the_page_sets_a_password_by_a_form_and_a_get_changes_nothing() {
    let post = Post::start().await;
    proven(&post).await;
    forgot(&post.app, NEO).await.expect(202);
    let token = token(&post.mails(1).await[0]);

    let mut page = Visitor::new(&post.app);
    let shown = page.open("/account/reset?language=ru").await.expect(200);
    assert!(
        shown.text.contains("Новый пароль") && shown.text.contains("<form id=\"form\" method=\"post\""),
        "{}",
        shown.text
    );
    assert_eq!(shown.header("referrer-policy"), "same-origin");
    assert!(shown.header("content-security-policy").contains("default-src 'none'"));

    let submit = async |token: &str, password: &str| {
        page.clone().submit("/account/reset", &[("token", token), ("new_password", password)]).await
    };
    assert_eq!(submit("x", NEW).await.status, 422);
    let refused = submit(&token, "short").await.expect(422);
    assert!(refused.text.contains(&format!("value=\"{token}\"")), "the link need not be opened again");
    let done = submit(&token, NEW).await.expect(303);
    assert_eq!(done.header("location"), "/account/sign-in");
    assert_eq!(submit(&token, PASSWORD).await.status, 410);
    sign_in(&post.app, NEO, NEW).send().await.pair();
}

#[tokio::test]
async fn an_address_has_two_hundred_requests_an_hour_and_a_completed_one_is_returned() {
    let post = Post::start().await;
    let app = &post.app;
    proven(&post).await;
    app.begin_window(std::time::Duration::from_hours(1));
    let ask = async |email: &str| {
        let call = app.client.post("/api/v1/auth/password/forgot").json(&json!({ "email": email }));
        call.header("x-forwarded-for", "198.51.100.77").send().await
    };
    ask(NEO).await.expect(202);
    for number in 1..200 {
        ask(&format!("{number}@example.org")).await.expect(202);
    }
    ask("200@example.org").await.problem(429, "too_many_attempts");
    let body = json!({ "token": token(&post.mails(1).await[0]), "new_password": NEW });
    let call = app.client.post("/api/v1/auth/password/reset").json(&body);
    call.header("x-forwarded-for", "198.51.100.77").send().await.expect(204);
    ask("200@example.org").await.expect(202);
    ask("201@example.org").await.problem(429, "too_many_attempts");
}
