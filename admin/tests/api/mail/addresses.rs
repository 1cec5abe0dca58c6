//! What is said of an address before a mail is sent to it, and of a link before a password is asked for.

use serde_json::{Value, json};

use super::code_in;
use super::registration::{ask, change, register, start, token_in, with_code};
use crate::pages::visitor::Visitor;
use crate::support::PASSWORD;

const NEO: &str = "neo@example.org";

#[tokio::test]
async fn an_address_that_the_mail_server_cannot_reach_is_refused_once_that_is_known() {
    let post = start().await;
    let app = &post.app;
    post.catcher.set_fault(Some(mail_catcher::Fault::AsciiOnly));
    let body = json!({ "email": "нео@example.org" });
    // Nothing is known before the first mail.
    register(app, &body).await.expect(202);
    ask(app, NEO).await;
    post.next_mail(NEO, 0).await;
    let problem = register(app, &body).await.problem(422, "validation_failed");
    assert_eq!(
        (&problem["errors"][0]["field"], &problem["errors"][0]["code"]),
        (&json!("email"), &json!("email_unreachable"))
    );
    // Every address with such a local part, whatever accounts there are, and on every way that mails.
    for path in ["/api/v1/auth/password/forgot", "/api/v1/auth/mail-code"] {
        app.client.post(path).json(&body).send().await.problem(422, "validation_failed");
    }
    register(app, &json!({ "email": "neo@кино.рф" })).await.expect(202);
    // What the server says last counts.
    post.catcher.set_fault(None);
    ask(app, "trinity@example.org").await;
    post.next_mail("trinity@example.org", 0).await;
    register(app, &body).await.expect(202);
}

#[tokio::test]
async fn a_likely_slip_in_the_address_gives_a_hint_and_no_refusal() {
    let post = start().await;
    let app = &post.app;
    let hint = async |email: &str| {
        register(app, &json!({ "email": email })).await.expect(202).json()["hint"].clone()
    };
    let expected = json!({ "code": "domain_misspelt", "suggestion": "neo@gmail.com" });
    assert_eq!(hint("neo@gmial.com").await, expected);
    assert_eq!(hint("neo@gmail.com").await, Value::Null);
    assert_eq!(hint("nеo@example.org").await["code"], "scripts_mixed");
    assert_eq!(hint("тущ@mail.ru").await, json!({ "code": "keyboard_layout", "suggestion": "neo@mail.ru" }));
    // The mail goes to the address as it was sent.
    post.next_mail("neo@gmial.com", 0).await;
    let pair = {
        let flow = ask(app, NEO).await;
        with_code(app, &flow, &code_in(&post.next_mail(NEO, 0).await)).await.pair()
    };
    let body = json!({ "email": "neo@gmial.com", "current_password": PASSWORD });
    let asked = app.client.put("/api/v1/me/email").bearer(&pair.access).json(&body).send().await.expect(202);
    assert_eq!(asked.json()["hint"], expected);
    // So does the page.
    let mut visitor = Visitor::new(app);
    visitor.open("/account/register").await.expect(200);
    visitor.submit("/account/register", &[("email", "neo@gmial.com")]).await.expect(200);
    assert!(visitor.page.contains("neo@gmail.com"), "{}", visitor.page);
}

#[tokio::test]
async fn the_page_of_a_link_asks_for_a_password_only_if_the_link_is_valid() {
    let post = start().await;
    ask(&post.app, NEO).await;
    let token = token_in(&post.next_mail(NEO, 0).await);
    let mut visitor = Visitor::new(&post.app);
    visitor.open("/account/confirm").await.expect(200);
    let asks = |visitor: &Visitor| visitor.page.contains("name=\"password\"");
    assert!(!asks(&visitor), "{}", visitor.page);
    for (unknown, status) in [("a", 410), ("A".repeat(60).as_str(), 410)] {
        visitor.submit("/account/confirm", &[("token", unknown)]).await.expect(status);
        assert!(!asks(&visitor), "{}", visitor.page);
    }
    visitor.submit("/account/confirm", &[("token", &token)]).await.expect(200);
    assert!(asks(&visitor), "{}", visitor.page);
    // That used nothing up.
    let fields = [("token", token.as_str()), ("password", PASSWORD)];
    visitor.clone().submit("/account/confirm", &fields).await.expect(303);
    change(&post, "update auth.mail_proofs set used_at = used_at - interval '1 minute'").await;
    visitor.submit("/account/confirm", &[("token", &token)]).await.expect(403);
    assert!(!asks(&visitor), "{}", visitor.page);
}
