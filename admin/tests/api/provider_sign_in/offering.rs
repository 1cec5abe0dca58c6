//! A provider that does not vouch for an address: the user signs in to an account that exists, or gets a new one.

use mock_providers::Provider::{Facebook, GitHub, Google, MailRu, Vk, X, Yandex};
use serde_json::json;

use crate::support::{Browser, Cinema, PASSWORD, TestApp};
use crate::witness::{alive, user_of};

const NEO: &str = "neo@example.org";

async fn asking() -> Cinema {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
    for provider in [Yandex, Vk, MailRu, Facebook] {
        cinema.add_person(provider, "neo", Some(NEO), true);
    }
    cinema
}

async fn count(cinema: &Cinema, sql: &str) -> i64 {
    cinema.app.sql().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn the_offer_is_the_same_whatever_accounts_there_are() {
    let cinema = asking().await;
    cinema.app.client.new_user(NEO).await;
    cinema.add_person(Yandex, "stranger", Some("stranger@example.org"), true);
    let mut answers = Vec::new();
    for person in ["neo", "stranger", "clara"] {
        let mut browser = cinema.browser();
        let mut problem = browser.try_to_sign_in(Yandex, person).await.problem(409, "email_proof_offered");
        let flow = problem["flow"].as_str().unwrap().to_owned();
        let shown = browser.show_link(&flow).await.expect(200).json();
        let members = problem.as_object_mut().unwrap();
        members.remove("flow");
        members.remove("request_id");
        answers.push((problem, shown));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    let (_, shown) = &answers[0];
    assert_eq!(shown["methods"], json!(["password", "provider", "skip"]));
    assert_eq!(shown["account"], json!(null));
}

#[tokio::test]
async fn a_user_signs_in_to_an_account_with_its_password() {
    let cinema = asking().await;
    let neo = cinema.app.client.new_user(NEO).await;
    let mut browser = cinema.browser();
    let (flow, _) = browser.is_offered(Yandex, "neo").await;
    browser.join(&flow, NEO, "not it").await.problem(401, "invalid_credentials");
    browser.join(&flow, "unknown@example.org", PASSWORD).await.problem(401, "invalid_credentials");
    cinema.browser().join(&flow, NEO, PASSWORD).await.problem(410, "code_expired");
    let pair = browser.join(&flow, "NEO@Example.org", PASSWORD).await.pair();
    assert_eq!(user_of(&pair), user_of(&neo));
    assert_eq!(cinema.linked(&pair).await, [("yandex".to_owned(), 9)]);
    // Nothing ends, and nothing is proved about the address.
    alive(&cinema.app, &neo.access).await;
    assert_eq!(cinema.me(&pair).await["email_verified"], false);
    assert_eq!(user_of(&cinema.browser().sign_in(Yandex, "neo").await), user_of(&neo));
    // The same request again has the same session.
    let again = browser.join(&flow, NEO, PASSWORD).await.pair();
    assert_eq!(again.session, pair.session);
    browser.skip(&flow).await.problem(410, "code_expired");
    // What was linked so is what an eviction unlinks.
    let how = "select count(*) from auth.oauth_accounts where confirmed_by = 'password'";
    assert_eq!(count(&cinema, how).await, 1);
}

#[tokio::test]
async fn a_flow_ends_after_five_wrong_passwords() {
    let cinema = asking().await;
    cinema.app.client.register(NEO).await.expect(201);
    // As elsewhere than where the account was registered.
    crate::guessing::forget_networks(&cinema.app).await;
    let mut browser = cinema.browser();
    let (flow, _) = browser.is_offered(Yandex, "neo").await;
    for attempt in 0..5 {
        browser.join(&flow, NEO, &format!("wrong {attempt}")).await.problem(401, "invalid_credentials");
    }
    browser.join(&flow, NEO, PASSWORD).await.problem(410, "code_expired");
    // And all flows together have the limits of a sign-in.
    let (flow, _) = browser.is_offered(Yandex, "neo").await;
    for attempt in 0..5 {
        browser.join(&flow, NEO, &format!("wrong {attempt}")).await.problem(401, "invalid_credentials");
    }
    let (flow, _) = browser.is_offered(Yandex, "neo").await;
    browser.join(&flow, NEO, "wrong").await.problem(429, "too_many_attempts");
    let failed = "select count(*) from auth.login_history where event = 'login_failed'";
    crate::support::until("all failures are written", async || {
        (count(&cinema, failed).await == 10).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_user_joins_the_account_of_another_provider() {
    let cinema = asking().await;
    let first = cinema.browser().sign_in(GitHub, "anna").await;
    let mut browser = cinema.browser();
    let (flow, _) = browser.is_offered(Vk, "neo").await;
    // One that has no account here asks again; the provider itself is no other one.
    browser.confirm_through(&flow, Vk, "neo").await.problem(422, "validation_failed");
    let again = browser.confirm_through(&flow, X, "anna").await.problem(409, "email_proof_offered");
    let flow = again["flow"].as_str().unwrap().to_owned();
    let pair = browser.confirm_through(&flow, GitHub, "anna").await.pair();
    assert_eq!(user_of(&pair), user_of(&first));
    assert_eq!(cinema.linked(&pair).await, [("github".to_owned(), 6), ("vk".to_owned(), 9)]);
    alive(&cinema.app, &first.access).await;
    assert_eq!(count(&cinema, "select count(*) from auth.users").await, 1);
}

#[tokio::test]
async fn a_user_who_skips_gets_an_account_without_an_address() {
    let cinema = asking().await;
    let neo = cinema.app.client.new_user(NEO).await;
    let mut browser = cinema.browser();
    let (flow, _) = browser.is_offered(Yandex, "neo").await;
    assert_eq!(count(&cinema, "select count(*) from auth.users").await, 1, "nothing has changed yet");
    let new = browser.skip(&flow).await.pair();
    assert_ne!(user_of(&new), user_of(&neo));
    assert_eq!(cinema.me(&new).await["email"], json!(null));
    assert_eq!(cinema.linked(&new).await, [("yandex".to_owned(), 9)]);
    assert_eq!(browser.skip(&flow).await.pair().session, new.session);
    // The same for an identity without any address, by rule 5.
    let (flow, _) = browser.is_offered(GitHub, "clara").await;
    let clara = browser.skip(&flow).await.pair();
    assert_eq!(cinema.linked(&clara).await, [("github".to_owned(), 5)]);
    // The second of two tabs finds the account linked.
    let (one, _) = browser.is_offered(MailRu, "neo").await;
    let (other, _) = browser.is_offered(MailRu, "neo").await;
    browser.skip(&one).await.pair();
    browser.skip(&other).await.problem(410, "code_expired");
}

#[tokio::test]
async fn a_second_account_of_the_provider_is_not_linked_but_the_user_may_skip() {
    let cinema = asking().await;
    let neo = cinema.app.client.new_user(NEO).await;
    cinema.browser().try_to_link(&neo, Yandex, "anna").await.expect(200);
    let mut browser = cinema.browser();
    let (flow, _) = browser.is_offered(Yandex, "neo").await;
    browser.join(&flow, NEO, PASSWORD).await.problem(409, "oauth_provider_linked");
    assert_ne!(user_of(&browser.skip(&flow).await.pair()), user_of(&neo));
}

#[tokio::test]
async fn with_registration_closed_nothing_can_be_skipped() {
    let cinema = asking().await;
    let neo = cinema.app.client.new_user(NEO).await;
    let mut vars = cinema.app.vars.clone();
    vars.insert("ADMIN_REGISTRATION", "closed".to_owned());
    let closed = TestApp::launch_on(vars).await;
    closed.await_ready().await;
    let mut browser = Browser::of(&closed);
    let (flow, methods) = browser.is_offered(Yandex, "neo").await;
    assert_eq!(methods, ["password", "provider"]);
    let pair = browser.join(&flow, NEO, PASSWORD).await.pair();
    assert_eq!(user_of(&pair), user_of(&neo));
    let (flow, _) = browser.is_offered(Vk, "neo").await;
    browser.skip(&flow).await.problem(403, "registration_closed");
}

#[tokio::test]
async fn a_disabled_account_is_not_joined() {
    let cinema = asking().await;
    cinema.browser().sign_in(GitHub, "anna").await;
    cinema.app.client.new_user(NEO).await;
    let disable = "update auth.users set status = 'disabled', verified_email_key = email_key";
    cinema.app.sql().await.batch_execute(disable).await.unwrap();
    let mut browser = cinema.browser();
    let (flow, _) = browser.is_offered(Yandex, "neo").await;
    browser.join(&flow, NEO, PASSWORD).await.problem(401, "invalid_credentials");
    browser.confirm_through(&flow, GitHub, "anna").await.problem(403, "account_disabled");
    cinema.add_person(Google, "neo", Some(NEO), true);
    cinema.browser().try_to_sign_in(Google, "neo").await.problem(403, "account_disabled");
}
