//! The page after a sign-in through a provider that finds an account, or no address: confirm by mail, decline, move, skip.

use mail_catcher::{Catcher, CatcherOptions};
use mock_providers::Provider::{GitHub, Vk, Yandex};

use super::NEO;
use super::visitor::Visitor;
use crate::mail::{code_in, other_code};
use crate::support::{Browser, Cinema, until};

/// A browser at the page of a flow.
async fn at_link(cinema: &Cinema, browser: &Browser, flow: &str) -> Visitor {
    let mut visitor = Visitor::of_cinema(cinema);
    // The cookie of the sign-in that the test browser began.
    let cookie = browser.cookie().and_then(|pair| pair.split_once('='));
    visitor.cookies.extend(cookie.map(|(name, value)| (name.to_owned(), value.to_owned())));
    visitor.open(&format!("/account/link?flow={flow}")).await.expect(200);
    visitor
}

/// Sends a form of the page with the hidden fields that all of them have.
async fn choose(visitor: &mut Visitor, choice: &str, others: &[(&str, &str)]) -> crate::support::Reply {
    let (flow, month) = (visitor.hidden("flow"), visitor.hidden("created_in"));
    let fields = [("flow", flow.as_str()), ("created_in", month.as_str()), ("choice", choice)];
    visitor.submit("/account/link", &[&fields[..], others].concat()).await
}

async fn count(cinema: &Cinema, sql: &str) -> i64 {
    cinema.app.sql().await.query_one(sql, &[]).await.unwrap().get(0)
}

const LINKED: &str = "select count(*) from auth.oauth_accounts a join auth.users u on u.id = a.user_id
                      where u.email_key = 'neo@example.org'";

#[tokio::test]
async fn an_account_is_confirmed_by_a_code_from_a_mail() {
    let catcher = Catcher::start(CatcherOptions::default()).await.unwrap();
    let url = format!("smtp://{}", catcher.address());
    let mail = [
        ("ADMIN_MAIL_URL", url.as_str()),
        ("ADMIN_MAIL_TLS", "none"),
        ("ADMIN_MAIL_FROM", "no-reply@cinema.example"),
        ("ADMIN_REGISTRATION", "open"),
    ];
    let cinema = Cinema::start_with(&mail).await;
    cinema.app.client.new_user(NEO).await;
    // An account that is in use would have to wait for three days.
    let unused = "update auth.sessions set last_used_at = last_used_at - interval '31 days'";
    cinema.app.sql().await.execute(unused, &[]).await.unwrap();
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(GitHub, "neo").await;
    let mut visitor = at_link(&cinema, &browser, &flow).await;
    choose(&mut visitor, "mail", &[]).await.expect(200);
    assert!(visitor.page.contains("A mail with a code is on its way"), "{}", visitor.page);
    let code = until("the mail with the code is caught", async || {
        let mails = catcher.mails();
        mails.iter().find(|mail| mail.to == [NEO] && mail.text.contains("Code: ")).map(code_in)
    })
    .await;
    let wrong = other_code(&code);
    choose(&mut visitor, "code", &[("code", &wrong)]).await.expect(403);
    assert_eq!(visitor.hidden_or_shown("code"), wrong);
    choose(&mut visitor, "code", &[("code", &code)]).await.expect(303);
    visitor.open("/account/").await.expect(200);
    assert_eq!(count(&cinema, LINKED).await, 1);
}

#[tokio::test]
async fn an_account_of_another_person_is_declined() {
    let cinema = Cinema::start().await;
    cinema.app.client.new_user(NEO).await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(GitHub, "neo").await;
    let mut visitor = at_link(&cinema, &browser, &flow).await;
    assert!(visitor.page.contains("This account is not mine"), "{}", visitor.page);
    choose(&mut visitor, "decline", &[]).await.expect(303);
    visitor.open("/account/").await.expect(200);
    assert_eq!(count(&cinema, LINKED).await, 0);
    assert_eq!(count(&cinema, "select count(*) from auth.users").await, 2);
}

#[tokio::test]
async fn an_account_at_a_provider_moves_between_two_accounts_of_a_person() {
    let cinema = Cinema::start().await;
    let first = cinema.app.client.new_user(NEO).await;
    cinema.browser().sign_in(Vk, "clara").await;
    let mut browser = cinema.browser();
    let problem = browser.try_to_link(&first, Vk, "clara").await.problem(409, "oauth_account_in_use");
    let flow = problem["flow"].as_str().unwrap().to_owned();
    let mut visitor = at_link(&cinema, &browser, &flow).await;
    assert!(visitor.page.contains("Linked to another account"), "{}", visitor.page);
    let moved = choose(&mut visitor, "move", &[]).await.expect(303);
    assert_eq!(moved.header("location"), "/account/security");
    assert!(visitor.cookies["__Host-page"].ends_with(".done-linked"), "the next page says so");
    assert_eq!(count(&cinema, LINKED).await, 1);
}

#[tokio::test]
async fn a_first_visit_is_skipped_to_a_new_account() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
    cinema.add_person(Yandex, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.is_offered(Yandex, "neo").await;
    let mut visitor = at_link(&cinema, &browser, &flow).await;
    assert!(visitor.page.contains("No, this is my first visit"), "{}", visitor.page);
    choose(&mut visitor, "skip", &[]).await.expect(303);
    visitor.open("/account/").await.expect(200);
    // The flow was for once, and of one browser.
    let mut other = Visitor::of_cinema(&cinema);
    other.open(&format!("/account/link?flow={flow}")).await.expect(410);
}
