//! A frozen account neither gains nor loses a sign-in method, whichever way is tried, and also if the way was begun before.

use mock_providers::Provider::{GitHub, Google, Yandex};
use reqwest::Method;
use serde_json::json;

use crate::support::{Cinema, PASSWORD, Pair};
use crate::witness::user_of;

const NEO: &str = "neo@example.org";

/// Freezes the account as the holder of a former address does.
async fn freeze(cinema: &Cinema, pair: &Pair) {
    let sql = "insert into auth.email_changes (user_id, email, email_key, token_hash, device_epoch, undo_until, frozen_until)
               values ($1, 'former@example.org', 'former@example.org', sha256('a'), 0,
                       clock_timestamp() + interval '72 hours', clock_timestamp() + interval '72 hours')";
    cinema.app.sql().await.execute(sql, &[&user_of(pair)]).await.unwrap();
}

async fn verify(cinema: &Cinema) {
    let sql = "update auth.users set verified_email_key = email_key";
    cinema.app.sql().await.execute(sql, &[]).await.unwrap();
}

#[tokio::test]
async fn no_account_is_linked_to_it_by_the_password() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
    let neo = cinema.app.client.new_user(NEO).await;
    verify(&cinema).await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    cinema.add_person(Yandex, "neo", Some("neo@elsewhere.example"), true);
    freeze(&cinema, &neo).await;

    let mut browser = cinema.browser();
    let (flow, methods) = browser.must_confirm(GitHub, "neo").await;
    // Only what works is offered, and the page can say until when.
    assert_eq!(methods, ["decline"]);
    let shown = browser.show_link(&flow).await.expect(200).json();
    assert!(shown["frozen_until"].is_string() && shown["methods"] == json!(["decline"]), "{shown}");
    browser.confirm(&flow, PASSWORD).await.problem(403, "account_frozen");
    let (flow, _) = browser.is_offered(Yandex, "neo").await;
    browser.join(&flow, NEO, PASSWORD).await.problem(403, "account_frozen");

    assert_eq!(cinema.linked(&neo).await, []);
}

#[tokio::test]
async fn a_link_that_was_begun_before_is_refused_and_one_that_exists_stays() {
    let cinema = Cinema::start().await;
    let neo = cinema.app.client.new_user(NEO).await;
    let mut browser = cinema.browser();
    browser.try_to_link(&neo, Google, "anna").await.expect(200);
    let call = browser.call(Method::POST, "/api/v1/me/accounts/github").bearer(&neo.access);
    let reply = call.json(&json!({})).send().await.expect(200);
    browser.keep(&reply);
    let at = reply.json()["authorize_url"].as_str().unwrap().parse().unwrap();
    let back = browser.choose(&at, "anna").await;

    freeze(&cinema, &neo).await;

    browser.call_back(&back).await.problem(403, "account_frozen");
    browser.try_to_link(&neo, GitHub, "anna").await.problem(403, "account_frozen");
    browser.unlink(&neo, Google).await.problem(403, "account_frozen");
    let linked = cinema.linked(&neo).await;
    assert_eq!(linked.iter().map(|(provider, _)| provider.as_str()).collect::<Vec<_>>(), ["google"]);
    // Sign-ins go on.
    let again = cinema.browser().sign_in(Google, "anna").await;
    assert_eq!(user_of(&again), user_of(&neo));
}

#[tokio::test]
async fn nothing_is_confirmed_at_another_provider_and_nothing_is_moved() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let neo = cinema.app.client.new_user(NEO).await;
    browser.try_to_link(&neo, Google, "anna").await.expect(200);
    verify(&cinema).await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let (flow, _) = browser.must_confirm(GitHub, "neo").await;
    // Of an account that may be moved.
    let other = cinema.browser().sign_in(Yandex, "anna").await;
    let mut moving = cinema.browser();
    let offered = moving.try_to_link(&neo, Yandex, "anna").await;
    let flow_of_move = offered.field("/flow");

    freeze(&cinema, &neo).await;

    browser.confirm_through(&flow, Google, "anna").await.problem(403, "account_frozen");
    moving.move_here(&flow_of_move).await.problem(403, "account_frozen");
    assert_eq!(cinema.linked(&other).await.len(), 1);
    assert_eq!(cinema.linked(&neo).await.len(), 1);
}
