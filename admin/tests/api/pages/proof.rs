//! The proof of a viewer without a password: by a provider that is linked, or by a code from a mail.

use mock_providers::Provider::GitHub;
use reqwest::Method;
use serde_json::json;

use super::visitor::Visitor;
use super::{NEO, OWN};
use crate::mail::{Post, code_in, other_code};
use crate::support::{Cinema, PASSWORD, TestApp, until};

const ERASE: &str = "/account/data/erase";

/// What the page has if no proof is needed.
const BUTTON: &str = "<button class=\"danger\">";

/// Lets the sign-in of all sessions be long ago, and a browser forget its access token.
async fn age(app: &TestApp, visitor: &mut Visitor) {
    let age = "update auth.sessions set authenticated_at = authenticated_at - interval '11 minutes'";
    app.sql().await.batch_execute(age).await.unwrap();
    visitor.cookies.remove("__Host-access");
}

async fn count(app: &TestApp, what: &str) -> i64 {
    app.sql().await.query_one(&format!("select count(*) from auth.{what}"), &[]).await.unwrap().get(0)
}

/// A viewer who signed in through GitHub long ago.
async fn anna(cinema: &Cinema) -> Visitor {
    let mut visitor = Visitor::of_cinema(cinema);
    visitor.sign_in_through("github", "anna").await;
    age(&cinema.app, &mut visitor).await;
    visitor
}

/// Asks for a proof by GitHub; returns the address there.
async fn begin(visitor: &mut Visitor) -> String {
    visitor.open(ERASE).await.expect(200);
    assert!(!visitor.page.contains(BUTTON), "{}", visitor.page);
    assert_eq!(visitor.hidden("return_to"), ERASE);
    let fields = [("choice", "provider:github"), ("return_to", ERASE)];
    visitor.submit("/account/proof", &fields).await.expect(200);
    visitor.way_on()
}

#[tokio::test]
async fn the_account_of_another_person_at_the_provider_proves_nothing_and_creates_nothing() {
    let cinema = Cinema::start().await;
    cinema.add_person(GitHub, "bob", Some("bob@example.org"), true);
    let mut visitor = anna(&cinema).await;
    let at = begin(&mut visitor).await;
    let page = visitor.choose(&at, "bob").await;
    assert!(page.contains("error=identity_of_another"), "{page}");
    assert_eq!(visitor.open(&page).await.expect(303).header("location"), ERASE);
    visitor.open(ERASE).await.expect(200);
    assert!(
        visitor.page.contains("not linked to yours") && !visitor.page.contains(BUTTON),
        "{}",
        visitor.page
    );
    assert_eq!((count(&cinema.app, "users").await, count(&cinema.app, "sessions").await), (1, 1));
    assert_eq!(count(&cinema.app, "oauth_accounts").await, 1);
    // The form alone does nothing either.
    visitor.submit(ERASE, &[]).await.expect(403);
    assert!(visitor.cookies.contains_key("__Host-refresh"));

    // The linked one of a second user proves nothing either.
    let mut other = Visitor::of_cinema(&cinema);
    other.sign_in_through("github", "bob").await;
    let at = begin(&mut visitor).await;
    let page = visitor.choose(&at, "bob").await;
    assert!(page.contains("error=identity_of_another"), "{page}");
}

#[tokio::test]
async fn the_linked_account_proves_it_for_this_session_alone() {
    let cinema = Cinema::start().await;
    let mut visitor = anna(&cinema).await;
    let mut elsewhere = anna(&cinema).await;
    let at = begin(&mut visitor).await;
    let page = visitor.choose(&at, "anna").await;
    assert!(page.starts_with("/account/signed-in?return_to=") && page.contains("&proven="), "{page}");

    // Another session of the same user, even in a browser with the same secret, gets nothing.
    elsewhere.open("/account/").await.expect(200);
    elsewhere.cookies.insert("__Host-oauth".to_owned(), visitor.cookies["__Host-oauth"].clone());
    assert_eq!(elsewhere.open(&page).await.expect(303).header("location"), ERASE);
    elsewhere.open(ERASE).await.expect(200);
    assert!(!elsewhere.page.contains(BUTTON), "{}", elsewhere.page);

    let at = begin(&mut visitor).await;
    let page = visitor.choose(&at, "anna").await;
    assert_eq!(visitor.open(&page).await.expect(303).header("location"), ERASE);
    visitor.open(ERASE).await.expect(200);
    assert!(visitor.page.contains(BUTTON), "{}", visitor.page);
    // Going back to it is no error.
    assert_eq!(visitor.open(&page).await.expect(303).header("location"), ERASE);
    visitor.open(ERASE).await.expect(200);
    visitor.submit(ERASE, &[]).await.expect(303);
    assert_eq!(count(&cinema.app, "sessions").await, 2, "no session was opened for the proof");
}

#[tokio::test]
async fn a_provider_that_is_not_linked_proves_nothing() {
    let cinema = Cinema::start().await;
    let mut visitor = anna(&cinema).await;
    visitor.open(ERASE).await.expect(200);
    for (choice, said) in [
        ("provider:google", "Something is not right yet."),
        ("provider:x-y", "There is no such page"),
        ("", "There is no such page"),
    ] {
        let fields = [("choice", choice), ("return_to", ERASE)];
        assert_eq!(visitor.submit_and_follow("/account/proof", &fields).await, ERASE);
        assert!(visitor.page.contains(said) && !visitor.page.contains(BUTTON), "{choice}: {}", visitor.page);
    }
    // It leads to pages of the account only.
    let fields = [("choice", "provider:google"), ("return_to", crate::support::PAGE)];
    let led = visitor.submit("/account/proof", &fields).await.expect(303);
    assert_eq!(led.header("location"), "/account/");
    assert_eq!(visitor.open("/account/proof").await.expect(303).header("location"), "/account/");
}

/// A viewer with a proven address and without a password, who signed in long ago, in two sessions.
async fn without_password(post: &Post) -> [Visitor; 2] {
    post.app.client.new_user(NEO).await;
    let mut visitors = [Visitor::new(&post.app), Visitor::new(&post.app)];
    for visitor in &mut visitors {
        visitor.sign_in(NEO, PASSWORD).await.expect(303);
        age(&post.app, visitor).await;
    }
    let change = "update auth.users set password_hash = null, verified_email_key = email_key";
    post.app.sql().await.batch_execute(change).await.unwrap();
    visitors
}

/// The code of a mail. Others tell of the sign-ins.
async fn code(post: &Post) -> String {
    until("a mail with a code is caught", async || {
        post.catcher.mails().iter().find(|mail| mail.text.contains("Code: ")).map(code_in)
    })
    .await
}

#[tokio::test]
async fn a_code_from_a_mail_proves_it_for_this_session_alone_and_opens_no_session() {
    let post = Post::start().await;
    let [mut visitor, mut elsewhere] = without_password(&post).await;
    visitor.open(ERASE).await.expect(200);
    assert!(visitor.page.contains("value=\"mail\"") && !visitor.page.contains(BUTTON), "{}", visitor.page);
    visitor.submit("/account/proof", &[("choice", "mail"), ("return_to", ERASE)]).await.expect(200);
    let flow = visitor.hidden("flow");
    let code = code(&post).await;

    let body = json!({ "flow": flow, "code": code });
    let sign_in = visitor.call_plain(Method::POST, "/api/v1/auth/mail-code/login").header("accept", "*/*");
    sign_in.json(&body).send().await.problem(410, "code_expired");
    elsewhere.open(ERASE).await.expect(200);
    let prove = |code: &str| {
        [
            ("choice", "code".to_owned()),
            ("return_to", ERASE.to_owned()),
            ("flow", flow.clone()),
            ("code", code.to_owned()),
        ]
    };
    let fields = prove(&code);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(elsewhere.submit_and_follow("/account/proof", &fields).await, ERASE);
    assert!(!elsewhere.page.contains(BUTTON), "{}", elsewhere.page);

    let wrong = prove(&other_code(&code));
    let wrong: Vec<_> = wrong.iter().map(|(name, value)| (*name, value.as_str())).collect();
    visitor.submit("/account/proof", &wrong).await.expect(403);
    assert_eq!(visitor.hidden("flow"), flow);
    assert_eq!(visitor.submit_and_follow("/account/proof", &fields).await, ERASE);
    assert!(visitor.page.contains(BUTTON), "{}", visitor.page);
    // A code is for once.
    visitor.cookies.remove("__Host-access");
    visitor.open(ERASE).await.expect(200);
    assert_eq!(visitor.submit_and_follow("/account/proof", &fields).await, ERASE);
    assert!(!visitor.page.contains(BUTTON), "{}", visitor.page);
}

#[tokio::test]
async fn an_operator_gets_no_code_and_a_changed_address_proves_nothing() {
    let post = Post::start().await;
    let [mut visitor, _] = without_password(&post).await;
    visitor.open(ERASE).await.expect(200);
    visitor.submit("/account/proof", &[("choice", "mail"), ("return_to", ERASE)]).await.expect(200);
    let (flow, code) = (visitor.hidden("flow"), code(&post).await);
    let sql = post.app.sql().await;
    for (change, undo) in [
        ("update auth.users set is_superuser = true", "update auth.users set is_superuser = false"),
        (
            "update auth.users set verified_email_key = null",
            "update auth.users set verified_email_key = email_key",
        ),
    ] {
        sql.batch_execute(change).await.unwrap();
        visitor.open("/account/").await.expect(200);
        let fields = [("choice", "code"), ("return_to", ERASE), ("flow", &flow), ("code", &code)];
        assert_eq!(visitor.submit_and_follow("/account/proof", &fields).await, ERASE);
        assert!(!visitor.page.contains(BUTTON), "{change}: {}", visitor.page);
        sql.batch_execute(undo).await.unwrap();
    }
}

#[tokio::test]
async fn a_viewer_who_cannot_prove_it_is_told_what_to_do() {
    let app = TestApp::start_with(&[("ADMIN_PUBLIC_URL", OWN)]).await;
    app.client.new_user(NEO).await;
    let mut visitor = Visitor::new(&app);
    visitor.sign_in(NEO, PASSWORD).await.expect(303);
    age(&app, &mut visitor).await;
    app.sql().await.batch_execute("update auth.users set password_hash = null").await.unwrap();
    visitor.open(ERASE).await.expect(200);
    assert!(visitor.page.contains("Ask the support.") && !visitor.page.contains(BUTTON), "{}", visitor.page);
    // A form that asks for a mail anyway is told the same.
    visitor.submit_and_follow("/account/proof", &[("choice", "mail"), ("return_to", ERASE)]).await;
    assert!(visitor.page.contains("Ask the support."), "{}", visitor.page);
}
