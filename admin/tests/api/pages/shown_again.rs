//! Forms that do not act and lose nothing: in another language, out of date, or opened by their address.

use reqwest::Method;

use super::visitor::Visitor;
use super::{NEO, start};
use crate::mail::{Post, code_in};
use crate::support::{PASSWORD, TestApp};

/// The paths of all forms that are sent from a page.
const FORMS: [&str; 26] = [
    "/account/sign-in",
    "/account/sign-in/code",
    "/account/link",
    "/account/erasing",
    "/account/register",
    "/account/register/prove",
    "/account/forgot",
    "/account/reset",
    "/account/confirm",
    "/account/email",
    "/account/undo",
    "/account/export",
    "/account/signed-in",
    "/account/language",
    "/account/proof",
    "/account/profile",
    "/account/password",
    "/account/address",
    "/account/address/prove",
    "/account/login",
    "/account/sign-out",
    "/account/object",
    "/account/sessions/end",
    "/account/sessions/end-others",
    "/account/data/export",
    "/account/data/erase",
];

#[tokio::test]
async fn every_form_has_a_page_at_its_address_or_leads_to_one() {
    let app = start().await;
    app.client.new_user(NEO).await;
    let mut viewer = Visitor::new(&app);
    viewer.sign_in(NEO, PASSWORD).await.expect(303);
    for path in FORMS {
        for visitor in [&mut Visitor::new(&app), &mut viewer] {
            let mut shown = visitor.open(path).await;
            for _ in 0..4 {
                if shown.status == 303 {
                    let next = shown.header("location").to_owned();
                    shown = visitor.open(&next).await;
                }
            }
            assert_eq!(shown.status, 200, "{path}: {}", visitor.page);
        }
    }
}

#[tokio::test]
async fn a_form_is_shown_in_another_language_with_what_was_typed_and_does_not_act() {
    let app = start().await;
    app.client.new_user(NEO).await;
    let mut visitor = Visitor::new(&app);
    visitor.open("/account/sign-in?return_to=%2Faccount%2F%3Fa").await.expect(200);
    let fields =
        [("identifier", NEO), ("password", PASSWORD), ("return_to", "/account/?a"), ("language", "ru")];
    visitor.submit("/account/sign-in", &fields).await.expect(200);
    assert!(visitor.page.contains("<html lang=\"ru\">") && !visitor.cookies.contains_key("__Host-access"));
    assert_eq!(visitor.hidden("return_to"), "/account/?a");
    assert!(
        visitor.page.contains(&format!("value=\"{NEO}\"")) && !visitor.page.contains(PASSWORD),
        "{}",
        visitor.page
    );
    let mut other = visitor.clone();
    other.open("/account/forgot").await.expect(200);
    assert!(other.page.contains("<html lang=\"ru\">"), "it is remembered");

    visitor.submit("/account/sign-in", &[("identifier", NEO), ("password", PASSWORD)]).await.expect(303);
    visitor.open("/account/profile").await.expect(200);
    let typed = [("first_name", "Thomas"), ("locale", "ru"), ("language", "en")];
    visitor.submit("/account/profile", &typed).await.expect(200);
    assert!(visitor.page.contains("<html lang=\"en\">"), "{}", visitor.page);
    assert_eq!(visitor.hidden_or_shown("first_name"), "Thomas");
    visitor.open("/account/profile").await.expect(200);
    assert_eq!(visitor.hidden_or_shown("first_name"), "", "nothing was saved");

    // A page without a form of its own comes back to its address.
    visitor.open("/account/history").await.expect(200);
    assert_eq!(visitor.hidden("page"), "/account/history");
    let chosen = [("page", "/account/history"), ("language", "ru")];
    assert_eq!(visitor.submit_and_follow("/account/language", &chosen).await, "/account/history");
    assert!(visitor.page.contains("<html lang=\"ru\">"), "{}", visitor.page);
    let away = [("page", "https://evil.example/account/"), ("language", "en")];
    assert_eq!(visitor.submit_and_follow("/account/language", &away).await, "/account/");
}

#[tokio::test]
async fn what_waits_for_a_code_is_kept_in_another_language() {
    let post =
        Post::start_with(mail_catcher::CatcherOptions::default(), &[("ADMIN_REGISTRATION", "verify")]).await;
    let mut visitor = Visitor::new(&post.app);
    visitor.open("/account/register?return_to=%2Faccount%2Fhistory").await.expect(200);
    let asked = [("email", NEO), ("return_to", "/account/history")];
    visitor.submit("/account/register", &asked).await.expect(200);
    let flow = visitor.hidden("flow");
    assert!(
        visitor.page.contains(&format!("name=\"email\" value=\"{NEO}\" autocomplete=\"username\"")),
        "{}",
        visitor.page
    );
    let mail = post.next_mail(NEO, 0).await;
    let fields = |extra: Vec<(&'static str, String)>| {
        let next = ("return_to", "/account/history".to_owned());
        [vec![("flow", flow.clone()), next], extra].concat()
    };
    let send = async |visitor: &mut Visitor, fields: Vec<(&'static str, String)>| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        visitor.submit("/account/register/prove", &fields).await
    };
    let russian = fields(vec![("language", "ru".to_owned()), ("code", "123".to_owned())]);
    send(&mut visitor, russian).await.expect(200);
    assert_eq!((visitor.hidden("flow"), visitor.hidden_or_shown("code")), (flow.clone(), "123".to_owned()));
    let proof = fields(vec![("code", code_in(&mail)), ("password", PASSWORD.to_owned())]);
    let done = send(&mut visitor, proof).await.expect(303);
    assert_eq!(done.header("location"), "/account/history");
}

#[tokio::test]
async fn a_form_with_the_mark_of_another_first_visit_is_shown_again_and_then_acts() {
    let app = start().await;
    app.client.new_user(NEO).await;
    // Two tabs ask for their first page at the same time; the browser keeps the mark of the second.
    let mut first = Visitor::new(&app);
    let mut second = Visitor::new(&app);
    first.open("/account/sign-in").await.expect(200);
    second.open("/account/sign-in").await.expect(200);
    first.cookies = second.cookies.clone();
    let fields = [("identifier", NEO), ("password", PASSWORD), ("return_to", "/account/history")];
    first.submit("/account/sign-in", &fields).await.expect(403);
    assert!(
        first.page.contains("out of date") && !first.cookies.contains_key("__Host-access"),
        "{}",
        first.page
    );
    assert_eq!(
        (first.hidden("return_to"), first.hidden_or_shown("identifier")),
        ("/account/history".to_owned(), NEO.to_owned())
    );
    first.submit("/account/sign-in", &fields).await.expect(303);

    // Of another user too: what acts is pressed once more, by the one who sees it.
    first.open("/account/profile").await.expect(200);
    let stale = first.page.clone();
    let mut other = Visitor::new(&app);
    app.client.new_user("trinity@example.org").await;
    other.sign_in("trinity@example.org", PASSWORD).await.expect(303);
    other.page = stale;
    other.submit("/account/profile", &[("first_name", "Thomas")]).await.expect(403);
    assert!(other.page.contains("<bdi>trinity@example.org</bdi>"), "{}", other.page);
    other.open("/account/profile").await.expect(200);
    assert_eq!(other.hidden_or_shown("first_name"), "");
}

#[tokio::test]
async fn a_form_of_another_site_leaves_the_mark_of_the_browser() {
    let app = start().await;
    let visitor = Visitor::new(&app);
    let call = visitor.call_plain(Method::POST, "/account/sign-in").header("sec-fetch-site", "cross-site");
    let call = call
        .header("content-type", "application/x-www-form-urlencoded")
        .body("identifier=a&language=ru".to_owned());
    let refused = call.send().await.expect(403);
    assert!(!refused.headers.contains_key("set-cookie"), "{:?}", refused.headers);
}

#[tokio::test]
async fn no_link_makes_a_page_say_what_was_done() {
    let app = start().await;
    let mut visitor = Visitor::new(&app);
    for query in ["done=erased", "problem=account_disabled", "done=reset&problem=code_wrong"] {
        visitor.open(&format!("/account/sign-in?{query}")).await.expect(200);
        assert!(!visitor.page.contains("class=\"alert"), "{query}: {}", visitor.page);
    }
}

#[tokio::test]
async fn a_mistyped_token_is_shown_so_that_it_can_be_corrected() {
    let app = start().await;
    let mut visitor = Visitor::new(&app);
    visitor.open("/account/reset").await.expect(200);
    let hidden = "data-fragment hidden";
    for (token, password, is_hidden) in [
        ("wrong", "violet harbour 82 lantern", false),
        ("a".repeat(43).as_str(), "violet harbour 82 lantern", false),
    ] {
        visitor.submit("/account/reset", &[("token", token), ("new_password", password)]).await;
        assert_eq!(visitor.page.contains(hidden), is_hidden, "{token}: {}", visitor.page);
        assert_eq!(visitor.hidden_or_shown("token"), token);
    }
}

#[tokio::test]
async fn saving_the_profile_keeps_a_language_that_the_pages_do_not_have() {
    let app = start().await;
    let pair = app.client.new_user(NEO).await;
    let body = serde_json::json!({ "locale": "de" });
    app.client.patch("/api/v1/me").bearer(&pair.access).json(&body).send().await.expect(200);
    let mut visitor = Visitor::new(&app);
    visitor.sign_in(NEO, PASSWORD).await.expect(303);
    visitor.open("/account/profile").await.expect(200);
    assert!(visitor.page.contains("<option value=\"de\" selected>de</option>"), "{}", visitor.page);
}

#[tokio::test]
async fn where_a_visitor_wanted_to_go_is_kept_on_the_way_by_registration_and_recovery() {
    let app = TestApp::start_with(&[("ADMIN_PUBLIC_URL", super::OWN), ("ADMIN_REGISTRATION", "open")]).await;
    let mut visitor = Visitor::new(&app);
    visitor.open("/account/sign-in?return_to=%2Faccount%2Fhistory").await.expect(200);
    assert!(
        visitor.page.contains("href=\"/account/register?return_to=%2Faccount%2Fhistory\""),
        "{}",
        visitor.page
    );
    visitor.open("/account/register?return_to=%2Faccount%2Fhistory").await.expect(200);
    let fields = [("email", NEO), ("password", PASSWORD), ("return_to", "/account/history")];
    let next = visitor.submit_and_follow("/account/register", &fields).await;
    assert_eq!(next, "/account/sign-in?return_to=%2Faccount%2Fhistory");
    assert_eq!(visitor.hidden("return_to"), "/account/history");
    visitor.open("/account/forgot?return_to=%2Faccount%2Fhistory").await.expect(200);
    assert!(
        visitor.page.contains("href=\"/account/sign-in?return_to=%2Faccount%2Fhistory\""),
        "{}",
        visitor.page
    );
}
