//! Forms of the console that are shown again, or kept through the sign-in, and nothing that was typed is lost.

use std::collections::BTreeSet;

use admin::router::console_routes;
use reqwest::Method;

use super::{person, root, start};
use crate::pages::visitor::Visitor;
use crate::support::{PASSWORD, TestApp};

/// The number of accounts with this address.
async fn accounts(app: &TestApp, email: &str) -> i64 {
    let sql = "select count(*) from auth.users where email_key = $1";
    app.sql().await.query_one(sql, &[&email]).await.unwrap().get(0)
}

const TYPED: [(&str, &str); 2] = [("email", "new@persons.test"), ("reason", "Colleague.")];

/// Asserts that the form has what was typed.
fn has_typed(page: &Visitor) {
    for (name, value) in TYPED {
        assert_eq!(page.hidden_or_shown(name), value, "{}", page.page);
    }
}

#[test]
fn every_form_has_a_page_at_its_address() {
    let routes = console_routes();
    let of = |method: Method| -> BTreeSet<_> {
        routes.iter().filter(|route| route.method == method).map(|route| route.path).collect()
    };
    let (forms, pages) = (of(Method::POST), of(Method::GET));
    assert!(forms.is_subset(&pages), "{:?}", forms.difference(&pages));
}

#[tokio::test]
async fn another_language_keeps_what_was_typed_and_does_nothing() {
    let app = start().await;
    let mut root = root(&app).await;
    root.open("/console/invite").await.expect(200);
    let fields = [&TYPED[..], &[("language", "ru")]].concat();
    root.submit("/console/invite", &fields).await.expect(200);
    assert!(root.page.contains("<html lang=\"ru\">"), "{}", root.page);
    has_typed(&root);
    assert_eq!(accounts(&app, TYPED[0].1).await, 0);

    let anna = person(&app, "anna").await;
    let path = "/console/revocations/revoke";
    root.open(&format!("{path}?kind=user&value={anna}")).await.expect(200);
    let (kind, value) = (root.hidden("kind"), root.hidden_or_shown("value"));
    let fields = [("kind", kind.as_str()), ("value", value.as_str()), ("language", "en")];
    root.submit(path, &fields).await.expect(200);
    assert!(root.page.contains("<html lang=\"en\">"), "{}", root.page);
    assert!(root.page.contains("Sessions that end at once: 1."), "{}", root.page);
}

#[tokio::test]
async fn the_language_of_a_page_without_a_form_leads_back_to_it() {
    let app = start().await;
    let mut root = root(&app).await;
    let page = format!("/console/people/{}", person(&app, "anna").await);
    root.open(&page).await.expect(200);
    assert_eq!(root.hidden("page"), page);
    let fields = [("page", page.as_str()), ("language", "ru")];
    assert_eq!(root.submit_and_follow("/console/language", &fields).await, page);
    assert!(root.page.contains("<html lang=\"ru\">"), "{}", root.page);
    let fields = [("page", "https://evil.example/console/"), ("language", "en")];
    assert_eq!(root.submit_and_follow("/console/language", &fields).await, "/console/");
}

#[tokio::test]
async fn a_form_that_is_out_of_date_is_shown_again_and_does_not_act() {
    let app = start().await;
    let mut root = root(&app).await;
    root.page = String::new();
    root.submit("/console/invite", &TYPED).await.expect(403);
    has_typed(&root);
    assert_eq!(accounts(&app, TYPED[0].1).await, 0);
    root.submit("/console/invite", &TYPED).await.expect(303);
    assert_eq!(accounts(&app, TYPED[0].1).await, 1);
    root.page = String::new();
    root.submit("/console/audit/verify", &[("since", "1:a")]).await.expect(403);
    assert_eq!(root.hidden_or_shown("since"), "1:a");
}

#[tokio::test]
async fn what_an_operator_typed_outlives_the_session_and_is_sent_after_another_press() {
    let app = start().await;
    let mut root = root(&app).await;
    root.open("/console/invite").await.expect(200);
    let mut elsewhere = root.clone();
    elsewhere.submit("/console/sign-out", &[]).await.expect(303);
    root.submit("/console/invite", &[&TYPED[..], &[("proof", "secret")]].concat()).await.expect(401);
    assert!(!root.page.contains("secret"), "{}", root.page);
    let kept = |page: &Visitor| (page.hidden("kept_path"), page.hidden("kept").replace("&#38;", "&"));
    let before = kept(&root);
    let fields = |(path, typed): &(String, String)| {
        [
            ("kept_path", path.clone()),
            ("kept", typed.clone()),
            ("identifier", "root@operators.test".to_owned()),
        ]
    };
    // In another language, too.
    let asked = fields(&before);
    let mut asked: Vec<_> = asked.iter().map(|(name, value)| (*name, value.as_str())).collect();
    asked.push(("language", "ru"));
    root.submit("/console/sign-in", &asked).await.expect(200);
    assert_eq!(kept(&root), before);
    asked.pop();
    asked.push(("password", PASSWORD));
    root.submit("/console/sign-in", &asked).await.expect(200);
    assert_eq!(accounts(&app, TYPED[0].1).await, 0, "nothing is sent by itself");
    root.submit("/console/invite", &TYPED).await.expect(303);
    assert_eq!(accounts(&app, TYPED[0].1).await, 1);
}
