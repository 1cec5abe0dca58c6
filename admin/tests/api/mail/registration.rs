//! Registration by a proof of the address: the request, the code, the link, the page.

use futures_util::future::join_all;
use mail_catcher::{CatcherOptions, CaughtMail};
use serde_json::{Value, json};

use super::{Post, code_in, other_code};
use crate::pages::visitor::Visitor;
use crate::support::{PASSWORD, Pair, Reply, TestApp};
use crate::witness::{dead, sign_in, superuser, user_of};

const NEO: &str = "Neo@example.org";
const NEW: &str = "another horse, another battery";

pub(super) async fn start() -> Post {
    Post::start_with(CatcherOptions::default(), &[("ADMIN_REGISTRATION", "verify")]).await
}

/// A service of the same stores where an address need not be proven: it makes accounts with unproven addresses.
pub(super) async fn open_replica(post: &Post) -> TestApp {
    let mut vars = post.app.vars.clone();
    vars.insert("ADMIN_REGISTRATION", "open".to_owned());
    let app = TestApp::launch_on(vars).await;
    app.await_ready().await;
    app
}

pub(super) async fn register(app: &TestApp, body: &Value) -> Reply {
    app.client.post("/api/v1/auth/register").json(body).send().await
}

/// Asks for an account, and returns the flow.
pub(super) async fn ask(app: &TestApp, email: &str) -> String {
    register(app, &json!({ "email": email })).await.expect(202).field("/flow")
}

pub(super) async fn resend(app: &TestApp, flow: &str) -> Reply {
    app.client.post("/api/v1/auth/email/resend").json(&json!({ "flow": flow })).send().await
}

pub(super) async fn verify(app: &TestApp, body: &Value) -> Reply {
    app.client.post("/api/v1/auth/email/verify").json(body).send().await
}

pub(super) async fn with_code(app: &TestApp, flow: &str, code: &str) -> Reply {
    verify(app, &json!({ "flow": flow, "code": code, "password": PASSWORD })).await
}

pub(super) async fn with_token(app: &TestApp, token: &str) -> Reply {
    verify(app, &json!({ "token": token, "password": PASSWORD })).await
}

async fn me(app: &TestApp, pair: &Pair) -> Value {
    app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200).json()
}

pub(super) async fn count(post: &Post, sql: &str) -> i64 {
    post.app.sql().await.query_one(sql, &[]).await.unwrap().get(0)
}

pub(super) async fn change(post: &Post, sql: &str) {
    post.app.sql().await.batch_execute(sql).await.unwrap();
}

/// The token of the link in a mail.
pub(super) fn token_in(mail: &CaughtMail) -> String {
    let (_, rest) = mail.text.split_once("https://cinema.example/account/confirm#").expect("a link");
    rest.chars().take_while(|letter| !letter.is_whitespace()).collect()
}

#[tokio::test]
async fn a_code_creates_the_account_with_a_proven_address_and_signs_in() {
    let post = start().await;
    let app = &post.app;
    let body = json!({ "email": NEO, "display_name": "Нео", "locale": "ru-RU" });
    let asked = register(app, &body).await.expect(202);
    assert_eq!(asked.json()["expires_in"], 3600);
    let mail = post.next_mail(NEO, 0).await;
    assert_eq!(mail.subject, "Confirm your e-mail address");
    assert!(!mail.text.contains("Нео"), "no mail has text of the requester");
    // Nothing exists before the proof.
    assert_eq!(count(&post, "select count(*) from auth.users").await, 0);

    let (flow, code) = (asked.field("/flow"), code_in(&mail));
    assert_eq!(code.len(), 6);
    let pair = with_code(app, &flow, &code).await.pair();
    let me = me(app, &pair).await;
    assert_eq!((&me["email"], &me["email_verified"]), (&json!(NEO), &json!(true)));
    assert_eq!((&me["display_name"], &me["locale"]), (&json!("Нео"), &json!("ru-RU")));
    sign_in(app, NEO, PASSWORD).send().await.pair();

    // The same request within a minute has the same session; another one, or a later one, nothing.
    assert_eq!(with_code(app, &flow, &code).await.pair().session, pair.session);
    verify(app, &json!({ "flow": flow, "code": code, "password": NEW })).await.problem(403, "code_wrong");
    with_token(app, &token_in(&mail)).await.problem(403, "code_wrong");
    change(&post, "update auth.mail_proofs set used_at = used_at - interval '1 minute'").await;
    with_code(app, &flow, &code).await.problem(403, "code_wrong");
    // No table has the code, the token or the address.
    let row = "select mail_proofs::text from auth.mail_proofs";
    let row: String = app.sql().await.query_one(row, &[]).await.unwrap().get(0);
    let secrets = [code, token_in(&mail), "neo".to_owned()];
    assert!(secrets.iter().all(|secret| !row.contains(secret.as_str())), "{row}");
}

#[tokio::test]
async fn every_address_gets_the_same_response() {
    let post = start().await;
    let open = open_replica(&post).await;
    for email in ["proven@example.org", "unproven@example.org"] {
        open.client.register(email).await.expect(201);
    }
    change(&post, "update auth.users set verified_email_key = email_key where email like 'proven%'").await;
    let mut answers = Vec::new();
    for email in ["proven@example.org", "unproven@example.org", "unknown@example.org"] {
        let call = post.app.client.post("/api/v1/auth/register").json(&json!({ "email": email }));
        let mut reply = call.header("x-request-id", "the-same").send().await.expect(202);
        reply.headers.remove("date");
        // A flow is as long as its address.
        reply.headers.remove("content-length");
        let flow = reply.field("/flow");
        answers.push((reply.headers, reply.text.replace(&flow, "")));
        // Nor does a wrong code tell them apart, however often it is sent.
        for _ in 0..5 {
            with_code(&post.app, &flow, "000000").await.problem(403, "code_wrong");
        }
        with_code(&post.app, &flow, "000000").await.problem(410, "code_expired");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let subject = async |email: &str| post.next_mail(email, 0).await.subject;
    assert_eq!(subject("proven@example.org").await, "You already have an account");
    assert_eq!(subject("unproven@example.org").await, "Confirm your e-mail address");
    assert_eq!(subject("unknown@example.org").await, "Confirm your e-mail address");
}

#[tokio::test]
async fn of_many_concurrent_proofs_all_get_the_same_session() {
    let post = start().await;
    let flow = ask(&post.app, NEO).await;
    let code = code_in(&post.next_mail(NEO, 0).await);
    let replies = join_all((0..4).map(|_| with_code(&post.app, &flow, &code))).await;
    let sessions: Vec<_> = replies.into_iter().map(|reply| reply.pair().session).collect();
    assert!(sessions.iter().all(|session| *session == sessions[0]), "{sessions:?}");
    assert_eq!(count(&post, "select count(*) from auth.users").await, 1);
}

#[tokio::test]
async fn a_stranger_who_registers_first_gains_nothing_from_the_owners_proof() {
    let post = start().await;
    let app = &post.app;
    // The stranger has the flow, with a name, and waits; the owner opens the link of the mail.
    let body = json!({ "email": NEO, "display_name": "Mallory" });
    let flow = register(app, &body).await.expect(202).field("/flow");
    let mail = post.next_mail(NEO, 0).await;
    let owner = verify(app, &json!({ "token": token_in(&mail), "password": NEW })).await.pair();
    assert_eq!(me(app, &owner).await["display_name"], Value::Null);
    with_code(app, &flow, &other_code(&code_in(&mail))).await.problem(403, "code_wrong");
    with_code(app, &flow, &code_in(&mail)).await.problem(403, "code_wrong");
    sign_in(app, NEO, PASSWORD).send().await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn an_account_that_never_proved_the_address_is_claimed_or_loses_only_the_address() {
    for (choice, is_claimed) in [("mine", true), ("new", false)] {
        let post = start().await;
        let (app, open) = (&post.app, open_replica(&post).await);
        let stranger = open.client.new_user(NEO).await;
        let link = "insert into auth.oauth_accounts (provider, subject, user_id, linked_rule)
                    select 'github', 'stranger', id, 4 from auth.users";
        change(&post, link).await;
        let flow = ask(app, NEO).await;
        let code = code_in(&post.next_mail(NEO, 0).await);
        let prove = async |account: Option<&str>| {
            let mut body = json!({ "flow": flow, "code": code, "password": NEW });
            body["account"] = json!(account);
            verify(app, &body).await
        };
        let problem = prove(None).await.problem(409, "account_unproven");
        let detail = problem["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("without a role"), "{detail}");
        // The account is in use, so a mail alone does not claim it at once.
        assert!(detail.contains("after 72 hours"), "{detail}");
        prove(Some("mine")).await.problem(409, "recovery_delayed");
        change(&post, "update auth.sessions set last_used_at = last_used_at - interval '31 days'").await;

        let owner = prove(Some(choice)).await.pair();
        let profile = me(app, &owner).await;
        assert_eq!((&profile["email_verified"], &profile["linked_providers"]), (&json!(true), &json!([])));
        assert_eq!(user_of(&owner) == user_of(&stranger), is_claimed);
        if is_claimed {
            dead(app, &stranger.access).await;
            sign_in(app, NEO, PASSWORD).send().await.problem(401, "invalid_credentials");
        } else {
            let other = me(app, &stranger).await;
            assert_eq!(
                (&other["needs_email"], &other["linked_providers"]),
                (&json!(true), &json!(["github"]))
            );
            let notices = app.client.get("/api/v1/me/notices").bearer(&stranger.access).send().await;
            assert!(notices.expect(200).text.contains("email_claimed"));
        }
    }
}

#[tokio::test]
async fn the_unproven_address_of_an_operator_is_never_taken_and_gets_no_mail() {
    let post = start().await;
    let (app, open) = (&post.app, open_replica(&post).await);
    let flow = ask(app, NEO).await;
    let code = code_in(&post.next_mail(NEO, 0).await);
    open.client.register(NEO).await.expect(201);
    change(&post, "update auth.users set is_superuser = true").await;
    let body = json!({ "flow": flow, "code": code, "password": NEW, "account": "new" });
    verify(app, &body).await.problem(409, "email_taken");
    ask(app, NEO).await;
    post.until_count("true", 0).await;
    assert_eq!(post.catcher.mails().len(), 1);
}

#[tokio::test]
async fn a_disabled_account_does_not_return_and_a_closed_registration_ends_flows() {
    let post = start().await;
    let (app, open) = (&post.app, open_replica(&post).await);
    let flow = ask(app, NEO).await;
    let code = code_in(&post.next_mail(NEO, 0).await);
    for mode in ["invite", "closed"] {
        let mut vars = app.vars.clone();
        vars.insert("ADMIN_REGISTRATION", mode.to_owned());
        let closed = TestApp::launch_on(vars).await;
        closed.await_ready().await;
        register(&closed, &json!({ "email": NEO })).await.problem(403, "registration_closed");
        with_code(&closed, &flow, &code).await.problem(403, "registration_closed");
        resend(&closed, &flow).await.problem(403, "registration_closed");
    }
    open.client.register(NEO).await.expect(201);
    change(&post, "update auth.users set status = 'disabled'").await;
    with_code(app, &flow, &code).await.problem(403, "account_disabled");
    ask(app, NEO).await;
    let mail = post.next_mail(NEO, 1).await;
    assert!(mail.subject == "You already have an account" && !mail.text.contains('#'), "{mail:?}");
}

#[tokio::test]
async fn an_address_with_an_account_is_offered_the_sign_in_and_a_new_password() {
    let post = start().await;
    let (app, open) = (&post.app, open_replica(&post).await);
    open.client.register(NEO).await.expect(201);
    change(&post, "update auth.users set verified_email_key = email_key").await;
    let flow = ask(app, "neo@EXAMPLE.org").await;
    let mail = post.next_mail(NEO, 0).await;
    assert!(!mail.text.contains("Code"), "{mail:?}");
    let (_, rest) = mail.text.split_once("/account/reset#").expect("a link");
    let token: String = rest.chars().take_while(|letter| !letter.is_whitespace()).collect();
    with_code(app, &flow, "000000").await.problem(403, "code_wrong");
    let body = json!({ "token": token, "new_password": NEW });
    app.client.post("/api/v1/auth/password/reset").json(&body).send().await.expect(204);
    sign_in(app, NEO, NEW).send().await.pair();
}

#[tokio::test]
async fn the_page_creates_the_account_by_a_form_and_a_scanner_changes_nothing() {
    let post = start().await;
    ask(&post.app, NEO).await;
    let token = token_in(&post.next_mail(NEO, 0).await);
    let mut visitor = Visitor::new(&post.app);
    for _ in 0..3 {
        let shown = visitor.open("/account/confirm?language=ru").await.expect(200);
        assert!(
            shown.text.contains("Ваш новый аккаунт")
                && shown.text.contains("<form id=\"form\" method=\"post\"")
        );
        assert_eq!(shown.header("referrer-policy"), "same-origin");
        assert!(shown.header("content-security-policy").contains("default-src 'none'"));
    }
    visitor.open("/account/confirm?language=en").await.expect(200);
    let page = visitor.clone();
    let submit = async |token: &str, password: &str| {
        let mut visitor = page.clone();
        let reply = visitor.submit("/account/confirm", &[("token", token), ("password", password)]).await;
        (reply, visitor)
    };
    assert_eq!(submit("x", NEW).await.0.status, 422);
    let (weak, shown) = submit(&format!(" {token}\n"), "short").await;
    assert_eq!(
        (weak.status, shown.hidden_or_shown("token")),
        (422, token.clone()),
        "the link need not be opened again"
    );
    let (done, visitor) = submit(&token, NEW).await;
    assert_eq!(done.expect(303).header("location"), "/account/sign-in");
    assert!(!visitor.cookies.contains_key("__Host-access"), "it opens no session");
    submit(&token, NEW).await.0.expect(303);
    assert_eq!(submit(&token, PASSWORD).await.0.status, 403);
    sign_in(&post.app, NEO, NEW).send().await.pair();
}

#[tokio::test]
async fn the_fields_of_a_request_and_a_proof_are_checked() {
    let post = start().await;
    let app = &post.app;
    let fields = |problem: Value| {
        let errors = problem["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let body = json!({ "email": NEO, "password": PASSWORD, "login": "neo" });
    let problem = register(app, &body).await.problem(422, "validation_failed");
    assert_eq!(fields(problem), ["login", "password"]);
    let flow = ask(app, NEO).await;
    for (body, expected) in [
        (json!({ "password": PASSWORD }), vec!["flow", "code"]),
        (json!({ "code": "123456", "password": PASSWORD }), vec!["flow"]),
        (json!({ "flow": flow, "token": flow, "code": "123456", "password": PASSWORD }), vec!["flow"]),
        (json!({ "flow": flow, "password": PASSWORD }), vec!["code"]),
        (json!({ "token": flow, "code": "123456", "password": PASSWORD }), vec!["code"]),
        (
            json!({ "flow": "x", "code": "1", "account": "other", "password": PASSWORD }),
            vec!["account", "code", "flow"],
        ),
    ] {
        let problem = verify(app, &body).await.problem(422, "validation_failed");
        assert_eq!(fields(problem), expected, "{body}");
    }
    let code = code_in(&post.next_mail(NEO, 0).await);
    for weak in ["short", "password1", "neo@example.org"] {
        let body = json!({ "flow": flow, "code": code, "password": weak });
        verify(app, &body).await.problem(422, "password_weak");
    }
    // A flow is not a token, and the other way round.
    with_token(app, &flow).await.problem(410, "code_expired");
    let token = token_in(&post.catcher.mails()[0]);
    with_code(app, &token, &code).await.problem(410, "code_expired");
    with_code(app, &flow, &code).await.pair();
}

#[tokio::test]
async fn the_superuser_of_a_command_and_a_registered_user_live_side_by_side() {
    let post = start().await;
    let root = superuser(&open_replica(&post).await).await;
    let flow = ask(&post.app, NEO).await;
    let code = code_in(&post.next_mail(NEO, 0).await);
    let pair = with_code(&post.app, &flow, &code).await.pair();
    let path = format!("/api/v1/admin/users/{}", user_of(&pair));
    let shown = post.app.client.get(&path).bearer(&root.access).send().await.expect(200).json();
    assert_eq!(shown["email"], NEO);
}
