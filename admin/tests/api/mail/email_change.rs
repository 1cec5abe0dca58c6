//! Another address of an account, by proof.

use mail_catcher::CaughtMail;
use serde_json::{Value, json};

use super::registration::{ask, change, count, open_replica, start, with_code};
use super::{Post, code_in, other_code};
use crate::pages::visitor::Visitor;
use crate::support::{PASSWORD, Pair, Reply, TestApp};
use crate::witness::{assign, change_password, dead, items_of, sign_in, superuser, user_of};

pub(super) const NEO: &str = "neo@example.org";
pub(super) const OTHER: &str = "neo2@example.org";

/// A signed-in user with this proven address.
pub(super) async fn proven(post: &Post, email: &str) -> Pair {
    let flow = ask(&post.app, email).await;
    let code = code_in(&post.next_mail(email, 0).await);
    with_code(&post.app, &flow, &code).await.pair()
}

/// Asks for another address.
pub(super) async fn put(app: &TestApp, pair: &Pair, email: &str) -> Reply {
    let body = json!({ "current_password": PASSWORD, "email": email });
    app.client.put("/api/v1/me/email").bearer(&pair.access).json(&body).send().await
}

async fn verify(app: &TestApp, pair: &Pair, body: &Value) -> Reply {
    app.client.post("/api/v1/me/email/verify").bearer(&pair.access).json(body).send().await
}

/// Changes the address by the code of a mail to the new one, of which `before` were sent.
pub(super) async fn change_to(post: &Post, pair: &Pair, email: &str, before: usize) -> Pair {
    let flow = put(&post.app, pair, email).await.expect(202).field("/flow");
    let code = code_in(&post.next_mail(email, before).await);
    verify(&post.app, pair, &json!({ "flow": flow, "code": code })).await.pair()
}

pub(super) async fn me(app: &TestApp, pair: &Pair) -> Value {
    app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200).json()
}

/// The token of the link to one of the pages.
pub(super) fn token_in(mail: &CaughtMail, page: &str) -> String {
    let (_, rest) = mail.text.split_once(&format!("https://cinema.example/account/{page}#")).expect("a link");
    rest.chars().take_while(|letter| !letter.is_whitespace()).collect()
}

#[tokio::test]
async fn a_new_address_takes_effect_with_its_proof() {
    let post = start().await;
    let (app, pair) = (&post.app, proven(&post, NEO).await);
    let other = app.client.sign_in(NEO).await;

    let asked = put(app, &pair, OTHER).await.expect(202);
    assert_eq!(asked.json()["expires_in"], 3600);
    let mail = post.next_mail(OTHER, 0).await;
    assert_eq!(mail.subject, "Confirm the new address of your account");
    // Nothing has changed before the proof.
    assert_eq!(me(app, &pair).await["email"], NEO);
    sign_in(app, OTHER, PASSWORD).send().await.problem(401, "invalid_credentials");
    let (flow, code) = (asked.field("/flow"), code_in(&mail));
    let wrong = json!({ "flow": flow, "code": other_code(&code) });
    verify(app, &pair, &wrong).await.problem(403, "code_wrong");

    let proof = json!({ "flow": flow, "code": code });
    let renewed = verify(app, &pair, &proof).await.pair();

    let me = me(app, &renewed).await;
    assert_eq!((&me["email"], &me["email_verified"]), (&json!(OTHER), &json!(true)));
    dead(app, &other.access).await;
    dead(app, &pair.access).await;
    sign_in(app, OTHER, PASSWORD).send().await.pair();
    sign_in(app, NEO, PASSWORD).send().await.problem(401, "invalid_credentials");
    verify(app, &renewed, &proof).await.problem(410, "code_expired");
    // Both addresses are notified; the former one can undo it.
    // The second one was about the other device.
    let removed = post.next_mail(NEO, 2).await;
    assert_eq!(removed.subject, "The e-mail address of your account was changed");
    assert_eq!(token_in(&removed, "undo").len(), 43);
    assert_eq!(post.next_mail(OTHER, 1).await.subject, "Your e-mail address was changed");
    let notices =
        app.client.get("/api/v1/me/notices").bearer(&renewed.access).send().await.expect(200).json();
    assert!(items_of(&notices).iter().any(|item| item["kind"] == "email_changed"), "{notices}");
}

#[tokio::test]
async fn every_new_address_gets_the_same_response() {
    let post = start().await;
    let (app, pair) = (&post.app, proven(&post, NEO).await);
    proven(&post, "proven@example.org").await;
    let open = open_replica(&post).await;
    for email in ["unproven@example.org", "operator@example.org"] {
        open.client.register(email).await.expect(201);
    }
    change(&post, "update auth.users set is_superuser = true where email_key = 'operator@example.org'").await;
    let mut answers = Vec::new();
    for email in ["free@example.org", "proven@example.org", "unproven@example.org", "operator@example.org"] {
        let body = json!({ "current_password": PASSWORD, "email": email });
        let call = app.client.put("/api/v1/me/email").bearer(&pair.access).json(&body);
        let mut reply = call.header("x-request-id", "the-same").send().await.expect(202);
        let flow = reply.field("/flow");
        reply.headers.remove("date");
        // The flow has the address, sealed.
        reply.headers.remove("content-length");
        answers.push((reply.status, reply.headers, reply.text.replace(&flow, "")));
        // Without a mail, as for the operator, no code is right.
        verify(app, &pair, &json!({ "flow": flow, "code": "12345678ab" })).await.problem(403, "code_wrong");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    post.until_count("true", 0).await;
    let subject = |to: &str| {
        let mails: Vec<_> = post.catcher.mails().into_iter().filter(|mail| mail.to == [to]).collect();
        mails.last().map(|mail| mail.subject.clone())
    };
    let confirm = Some("Confirm the new address of your account".to_owned());
    assert_eq!(subject("free@example.org"), confirm);
    assert_eq!(subject("unproven@example.org"), confirm);
    assert_eq!(subject("proven@example.org").as_deref(), Some("This address has an account already"));
    assert_eq!(subject("operator@example.org"), None);
}

#[tokio::test]
async fn whatever_ends_the_sessions_makes_the_change_void() {
    let post = start().await;
    let (app, pair) = (&post.app, proven(&post, NEO).await);
    let flow = put(app, &pair, OTHER).await.expect(202).field("/flow");
    let code = code_in(&post.next_mail(OTHER, 0).await);
    let proof = json!({ "flow": flow, "code": code });
    let stranger = proven(&post, "trinity@example.org").await;
    verify(app, &stranger, &proof).await.problem(410, "code_expired");

    let pair = change_password(app, &pair.access, "another horse, another battery").send().await.pair();

    verify(app, &pair, &proof).await.problem(410, "code_expired");
    let token = token_in(&post.next_mail(OTHER, 0).await, "email");
    verify(app, &pair, &json!({ "token": token })).await.problem(410, "code_expired");
    assert_eq!(me(app, &pair).await["email"], NEO);
}

#[tokio::test]
async fn an_eviction_makes_the_change_void() {
    let post = start().await;
    let (app, pair) = (&post.app, proven(&post, NEO).await);
    let flow = put(app, &pair, OTHER).await.expect(202).field("/flow");
    let code = code_in(&post.next_mail(OTHER, 0).await);
    let root = superuser(&open_replica(&post).await).await;
    let path = format!("/api/v1/admin/users/{}/evict", user_of(&pair));
    let body = json!({ "reason": "A stranger was signed in." });
    app.client.post(&path).bearer(&root.access).json(&body).send().await.expect(200);
    let audited = "select count(*) from auth.audit_log
                   where action = 'user_evicted' and texts ->> 'reason' = 'A stranger was signed in.'";
    assert_eq!(count(&post, audited).await, 1);

    let pair = app.client.sign_in(NEO).await;
    verify(app, &pair, &json!({ "flow": flow, "code": code })).await.problem(410, "code_expired");
}

#[tokio::test]
async fn a_link_acts_on_a_post_of_a_device_where_the_user_is_signed_in() {
    let post = start().await;
    let (app, pair) = (&post.app, proven(&post, NEO).await);
    put(app, &pair, OTHER).await.expect(202);
    let token = token_in(&post.next_mail(OTHER, 0).await, "email");
    let mut page = Visitor::new(app);
    page.open("/account/email").await.expect(200);
    assert!(
        page.page.contains("<form id=\"form\" method=\"post\"") && !page.page.contains("password"),
        "{}",
        page.page
    );
    let submit = async |cookie: Option<&str>| {
        let mut visitor = page.clone();
        visitor.cookies.extend(cookie.map(|device| ("__Host-device".to_owned(), device.to_owned())));
        visitor.submit("/account/email", &[("token", &token)]).await
    };
    // A stranger could send the link of their own change to the holder of a mailbox.
    submit(None).await.expect(403);
    assert_eq!(me(app, &pair).await["email"], NEO);

    submit(Some(&pair.device)).await.expect(303);
    let pair = app.client.refresh(&pair.refresh).await.pair();
    assert_eq!(me(app, &pair).await["email"], OTHER);
    // The same again within a minute.
    submit(Some(&pair.device)).await.expect(303);
    change(&post, "update auth.mail_proofs set used_at = used_at - interval '1 minute'").await;
    submit(Some(&pair.device)).await.expect(403);
}

#[tokio::test]
async fn an_address_that_was_only_typed_is_taken_if_the_user_says_so() {
    let post = start().await;
    let (app, pair) = (&post.app, proven(&post, NEO).await);
    let open = open_replica(&post).await;
    let typed = open.client.new_user(OTHER).await;
    let flow = put(app, &pair, OTHER).await.expect(202).field("/flow");
    let proof = json!({ "flow": flow, "code": code_in(&post.next_mail(OTHER, 0).await) });
    verify(app, &pair, &proof).await.problem(409, "account_unproven");
    assert_eq!(me(app, &typed).await["email"], OTHER);

    let taking = json!({ "flow": flow, "code": proof["code"], "account": "new" });
    let pair = verify(app, &pair, &taking).await.pair();
    assert_eq!(me(app, &pair).await["email"], OTHER);
    let left = me(app, &typed).await;
    assert_eq!((&left["email"], &left["needs_email"]), (&Value::Null, &json!(true)));
}

#[tokio::test]
async fn an_address_that_was_proven_meanwhile_stays_with_its_account() {
    let post = start().await;
    let (app, pair) = (&post.app, proven(&post, NEO).await);
    let flow = put(app, &pair, OTHER).await.expect(202).field("/flow");
    let code = code_in(&post.next_mail(OTHER, 0).await);
    let flow_of_other = ask(app, OTHER).await;
    let code_of_other = code_in(&post.next_mail(OTHER, 1).await);
    with_code(app, &flow_of_other, &code_of_other).await.pair();
    let refused = json!({ "flow": flow, "code": code, "account": "new" });
    verify(app, &pair, &refused).await.problem(409, "email_taken");
    assert_eq!(me(app, &pair).await["email"], NEO);
}

#[tokio::test]
async fn another_spelling_of_the_proven_address_needs_no_proof() {
    let post = start().await;
    let (app, pair) = (&post.app, proven(&post, NEO).await);
    let pair = put(app, &pair, "Neo@Example.org").await.pair();
    let me = me(app, &pair).await;
    assert_eq!((&me["email"], &me["email_verified"]), (&json!("Neo@Example.org"), &json!(true)));
    assert_eq!(count(&post, "select count(*) from auth.email_changes").await, 0);
}

#[tokio::test]
async fn asking_checks_the_password_in_the_buckets_of_the_session() {
    let post = start().await;
    post.app.begin_window(std::time::Duration::from_mins(10));
    let (app, pair) = (&post.app, proven(&post, NEO).await);
    let guess = json!({ "current_password": "not the password", "email": OTHER });
    for _ in 0..5 {
        let call = app.client.put("/api/v1/me/email").bearer(&pair.access).json(&guess);
        call.send().await.problem(403, "current_password_wrong");
    }
    put(app, &pair, OTHER).await.problem(429, "too_many_attempts");
}

/// A user without a proven address, perhaps with a role, and one who has proven `OTHER`. Returns both, and the proof of that
/// address by the first one.
async fn two_accounts(post: &Post, has_role: bool) -> (Pair, Pair, Value) {
    let holder = proven(post, OTHER).await;
    let open = open_replica(post).await;
    let mut pair = open.client.new_user(NEO).await;
    if has_role {
        assign(&post.app, NEO, "subscriber").await;
        pair = post.app.client.refresh(&pair.refresh).await.pair();
    }
    let flow = put(&post.app, &pair, OTHER).await.expect(202).field("/flow");
    let mail = crate::support::until("the mail is caught", async || {
        post.catcher.mails().into_iter().find(|mail| mail.subject == "Two accounts with your address")
    })
    .await;
    (pair, holder, json!({ "flow": flow, "code": code_in(&mail) }))
}

/// The answer to a right proof of an address that another account has proven.
pub(crate) async fn prove_address_of_another_account() -> Reply {
    let post = start().await;
    let (pair, _, proof) = two_accounts(&post, false).await;
    verify(&post.app, &pair, &proof).await
}

#[tokio::test]
async fn a_user_who_proves_the_address_of_another_account_may_move_there() {
    let post = start().await;
    let app = &post.app;
    let (pair, holder, proof) = two_accounts(&post, false).await;
    let link = "insert into auth.oauth_accounts (provider, subject, user_id, linked_rule, is_email_vouched)
                values ('github', '1', $1, 9, false)";
    app.sql().await.execute(link, &[&user_of(&pair)]).await.unwrap();

    let problem = verify(app, &pair, &proof).await.problem(409, "account_proven");
    assert!(problem["detail"].as_str().unwrap().contains("without a role"), "{problem}");
    let taking = json!({ "flow": proof["flow"], "code": proof["code"], "account": "new" });
    verify(app, &pair, &taking).await.problem(409, "account_proven");
    let moving = json!({ "flow": proof["flow"], "code": proof["code"], "account": "move" });
    let moved = verify(app, &pair, &moving).await.pair();

    assert_eq!(user_of(&moved), user_of(&holder));
    let profile = me(app, &moved).await;
    assert_eq!((&profile["email"], &profile["linked_providers"]), (&json!(OTHER), &json!(["github"])));
    // What is left will be erased, and can be kept.
    dead(app, &pair.access).await;
    sign_in(app, NEO, PASSWORD).send().await.problem(403, "erasure_pending");
    assert_eq!(count(&post, "select count(*) from auth.audit_log where action = 'users_merged'").await, 1);
    assert_eq!(me(app, &holder).await["email"], OTHER);
}

#[tokio::test]
async fn an_account_with_a_role_is_not_emptied_by_its_user() {
    let post = start().await;
    let app = &post.app;
    let (pair, _, proof) = two_accounts(&post, true).await;
    let moving = json!({ "flow": proof["flow"], "code": proof["code"], "account": "move" });
    let problem = verify(app, &pair, &moving).await.problem(409, "email_taken");
    assert!(problem["detail"].as_str().unwrap().contains("contact support"), "{problem}");
    assert_eq!(count(&post, "select count(*) from auth.pending_erasures").await, 0);
}

#[tokio::test]
async fn a_page_asks_before_two_accounts_become_one() {
    let post = start().await;
    let (pair, holder, proof) = two_accounts(&post, false).await;
    let mut visitor = Visitor::new(&post.app);
    visitor.cookies.extend([("__Host-access".to_owned(), pair.access.clone())]);
    visitor.open("/account/address").await.expect(200);
    let text = |name: &str| proof[name].as_str().unwrap().to_owned();
    let (flow, code) = (text("flow"), text("code"));
    let fields = [("flow", flow.as_str()), ("code", code.as_str())];
    visitor.submit("/account/address/prove", &fields).await.expect(409);
    assert!(visitor.page.contains("value=\"move\""), "{}", visitor.page);
    let fields = [("flow", flow.as_str()), ("code", code.as_str()), ("account", "move")];
    visitor.submit("/account/address/prove", &fields).await.expect(303);
    visitor.open("/account/").await.expect(200);
    assert!(visitor.page.contains(OTHER), "{}", visitor.page);
    assert_eq!(me(&post.app, &holder).await["email"], OTHER);
}
