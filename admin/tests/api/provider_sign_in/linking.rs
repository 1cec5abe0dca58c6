//! The rules that decide which user an identity belongs to.

use futures_util::future::join_all;
use mock_providers::Provider::{Facebook, GitHub, Google, MailRu, X, Yandex};
use reqwest::Method;
use serde_json::json;

use crate::support::{Browser, Cinema, PASSWORD, Pair, methods, until};
use crate::witness::user_of;

const NEO: &str = "neo@example.org";
/// An address for which Google is authoritative.
const GMAIL: &str = "neo@gmail.com";

/// Marks an address as verified.
async fn prove(cinema: &Cinema, email: &str) {
    let proved = "update auth.users set verified_email_key = email_key where email_key = $1";
    assert_eq!(cinema.app.sql().await.execute(proved, &[&email]).await.unwrap(), 1);
}

/// A user with a password and a verified address, and a pending link of an identity with that address.
async fn to_be_confirmed(cinema: &Cinema) -> (Pair, Browser, String) {
    let pair = cinema.app.client.new_user(NEO).await;
    prove(cinema, NEO).await;
    cinema.add_person(GitHub, "neo", Some("Neo@Example.org"), true);
    let mut browser = cinema.browser();
    let reply = browser.try_to_sign_in(GitHub, "neo").await;
    let flow = reply.problem(409, "link_confirmation_required")["flow"].as_str().unwrap().to_owned();
    (pair, browser, flow)
}

#[tokio::test]
async fn rule_1_a_linked_user_is_signed_in_although_the_address_changed() {
    let cinema = Cinema::start().await;
    let first = cinema.browser().sign_in(GitHub, "anna").await;
    cinema.app.client.new_user(NEO).await;
    cinema.add_person(GitHub, "anna", Some(NEO), false);
    let again = cinema.browser().sign_in(GitHub, "anna").await;
    assert_eq!(user_of(&first), user_of(&again));
    assert_eq!(cinema.me(&again).await["email"], "anna@github.example.org", "the address here stays");
}

#[tokio::test]
async fn rule_2_an_account_that_is_already_linked_stays_linked() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    // The endpoint refuses to start if one is linked, so it is hidden for a moment.
    let reply = browser.try_to_link(&pair, Google, "anna").await.expect(200);
    assert_eq!(reply.json(), json!({ "linked": "google" }));
    let sql = cinema.app.sql().await;
    sql.batch_execute("update auth.oauth_accounts set provider = 'another' where provider = 'google'")
        .await
        .unwrap();
    let at = browser
        .call(Method::POST, "/api/v1/me/accounts/google")
        .bearer(&pair.access)
        .send()
        .await
        .expect(200);
    sql.batch_execute("update auth.oauth_accounts set provider = 'google' where provider = 'another'")
        .await
        .unwrap();
    let at = at.json()["authorize_url"].as_str().unwrap().parse().unwrap();
    let back = browser.choose(&at, "anna").await;
    assert_eq!(browser.call_back(&back).await.expect(200).json(), json!({ "linked": "google" }));
}

#[tokio::test]
async fn rule_3_an_account_of_another_user_cannot_be_linked() {
    let cinema = Cinema::start().await;
    cinema.browser().sign_in(Google, "anna").await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&pair, Google, "anna").await.problem(409, "oauth_account_in_use");
    assert_eq!(cinema.linked(&pair).await.len(), 1);
}

#[tokio::test]
async fn rule_4_a_signed_in_user_links_an_account_with_any_address() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = cinema.app.client.new_user(NEO).await;
    let other = cinema.app.client.sign_in(NEO).await;
    browser.try_to_link(&pair, Yandex, "boris").await.expect(200);
    assert_eq!(cinema.linked(&pair).await, [("yandex".to_owned(), 4)]);
    assert_eq!(user_of(&cinema.browser().sign_in(Yandex, "boris").await), user_of(&pair));
    // Other sessions continue.
    cinema.me(&other).await;
    // A user has at most one account of a provider.
    browser.try_to_link(&pair, Yandex, "anna").await.problem(409, "oauth_provider_linked");
}

#[tokio::test]
async fn rule_5_an_identity_without_an_address_gets_a_new_user() {
    let cinema = Cinema::start().await;
    let github = cinema.browser().sign_in(GitHub, "clara").await;
    let yandex = cinema.browser().sign_in(Yandex, "clara").await;
    assert_ne!(user_of(&github), user_of(&yandex));
    assert_eq!(cinema.linked(&github).await, [("github".to_owned(), 5)]);
}

#[tokio::test]
async fn rule_6_a_new_user_gets_a_free_address_that_the_provider_vouches_for() {
    let cinema = Cinema::start().await;
    let pair = cinema.browser().sign_in(X, "anna").await;
    let sql = "select verified_email_key = email_key and password_hash is null from auth.users where id = $1";
    assert!(cinema.app.sql().await.query_one(sql, &[&user_of(&pair)]).await.unwrap().get::<_, bool>(0));
    // The address is taken now.
    cinema.app.client.register("anna@x.example.org").await.problem(409, "email_taken");
}

#[tokio::test]
async fn rule_7_the_password_is_required_to_link_an_identity_by_a_verified_address() {
    let cinema = Cinema::start().await;
    let (neo, browser, flow) = to_be_confirmed(&cinema).await;
    browser.confirm(&flow, "another password").await.problem(401, "invalid_credentials");
    let pair = browser.confirm(&flow, PASSWORD).await.pair();
    assert_eq!(user_of(&pair), user_of(&neo));
    assert_eq!(cinema.linked(&pair).await, [("github".to_owned(), 7)]);
    // From now on it is a sign-in method.
    assert_eq!(user_of(&cinema.browser().sign_in(GitHub, "neo").await), user_of(&neo));
    browser.confirm(&flow, "another password").await.problem(410, "code_expired");
}

#[tokio::test]
async fn five_passwords_may_be_tried_and_only_in_the_browser_that_returned() {
    let cinema = Cinema::start().await;
    let (_, browser, flow) = to_be_confirmed(&cinema).await;
    cinema.browser().confirm(&flow, PASSWORD).await.problem(410, "code_expired");
    let (mut browser, mut flow) = (browser, flow);
    let reply = browser.try_to_sign_in(GitHub, "neo").await;
    reply.problem(409, "link_confirmation_required")["flow"].as_str().unwrap().clone_into(&mut flow);
    for _ in 0..5 {
        browser.confirm(&flow, "wrong").await.problem(401, "invalid_credentials");
    }
    browser.confirm(&flow, PASSWORD).await.problem(410, "code_expired");
    browser.confirm("a", PASSWORD).await.problem(422, "validation_failed");
}

#[tokio::test]
async fn passwords_are_checked_one_after_the_other() {
    let cinema = Cinema::start().await;
    let (_, browser, flow) = to_be_confirmed(&cinema).await;
    let passwords: Vec<String> = (0..8).map(|number| format!("wrong {number}")).collect();
    let tries = join_all(passwords.iter().map(|password| browser.confirm(&flow, password))).await;
    let statuses: Vec<_> = tries.iter().map(|reply| reply.status).collect();
    // On a busy machine some of them have waited for too long, and were not checked.
    assert!(statuses.iter().all(|status| [401, 410, 503].contains(status)), "{statuses:?}");
    let checked = statuses.iter().filter(|status| **status == 401).count();
    assert!(checked <= 5, "{statuses:?}");
    for _ in checked..5 {
        browser.confirm(&flow, "wrong again").await.problem(401, "invalid_credentials");
    }
    browser.confirm(&flow, PASSWORD).await.problem(410, "code_expired");
}

#[tokio::test]
async fn an_operator_may_allow_linking_by_a_verified_address() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_LINK_VERIFIED", "auto")]).await;
    let neo = cinema.app.client.new_user(NEO).await;
    prove(&cinema, NEO).await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let pair = cinema.browser().sign_in(GitHub, "neo").await;
    assert_eq!(user_of(&pair), user_of(&neo));
    assert_eq!(cinema.linked(&pair).await, [("github".to_owned(), 7)]);
}

#[tokio::test]
async fn rule_7_a_user_with_another_account_of_the_provider_is_refused() {
    for policy in ["confirm", "auto"] {
        let cinema = Cinema::start_with(&[("ADMIN_OAUTH_LINK_VERIFIED", policy)]).await;
        cinema.add_person(GitHub, "neo", Some(NEO), true);
        cinema.browser().sign_in(GitHub, "neo").await;
        // The account there was deleted and created again with the same address.
        cinema.add_person(GitHub, "neo-again", Some(NEO), true);
        let reply = cinema.browser().try_to_sign_in(GitHub, "neo-again").await;
        // No second account of the provider can be linked, but the user may get a new account.
        assert_eq!(methods(&reply.problem(409, "oauth_provider_linked")), ["decline"], "{policy}");
    }
}

#[tokio::test]
async fn changes_before_the_confirmation_have_their_problems() {
    let cinema = Cinema::start().await;
    let (neo, mut browser, first) = to_be_confirmed(&cinema).await;
    let again = async |browser: &mut Browser| {
        let reply = browser.try_to_sign_in(GitHub, "neo").await;
        reply.problem(409, "link_confirmation_required")["flow"].as_str().unwrap().to_owned()
    };
    let (second, third) = (again(&mut browser).await, again(&mut browser).await);
    let sql = cinema.app.sql().await;
    sql.batch_execute("update auth.users set status = 'disabled'").await.unwrap();
    browser.confirm(&first, PASSWORD).await.problem(403, "account_disabled");
    sql.batch_execute("update auth.users set status = 'active'").await.unwrap();
    // Meanwhile another account of the provider was linked; then this one, to another user.
    cinema.browser().try_to_link(&neo, GitHub, "clara").await.expect(200);
    browser.confirm(&second, PASSWORD).await.problem(409, "oauth_provider_linked");
    let other = cinema.app.client.new_user("other@example.org").await;
    cinema.browser().try_to_link(&other, GitHub, "neo").await.expect(200);
    browser.confirm(&third, PASSWORD).await.problem(409, "oauth_account_in_use");
}

#[tokio::test]
async fn linking_an_account_that_vouches_for_the_address_verifies_it() {
    let cinema = Cinema::start().await;
    let neo = cinema.app.client.new_user(NEO).await;
    for provider in [GitHub, Google] {
        cinema.add_person(provider, "neo", Some(NEO), true);
    }
    cinema.browser().try_to_link(&neo, GitHub, "neo").await.expect(200);
    // So a sign-in with it through another provider must be confirmed, and does not transfer the address.
    cinema.browser().try_to_sign_in(Google, "neo").await.problem(409, "link_confirmation_required");
    cinema.me(&neo).await;
}

#[tokio::test]
async fn a_sign_in_verifies_the_address_that_the_provider_vouches_for() {
    let cinema = Cinema::start().await;
    cinema.add_person(GitHub, "neo", None, true);
    let neo = cinema.browser().sign_in(GitHub, "neo").await;
    let email = json!({ "email": NEO });
    cinema.app.client.put("/api/v1/me/email").bearer(&neo.access).json(&email).send().await.pair();
    for provider in [GitHub, Google] {
        cinema.add_person(provider, "neo", Some(NEO), true);
    }
    cinema.browser().sign_in(GitHub, "neo").await;
    cinema.browser().try_to_sign_in(Google, "neo").await.problem(409, "link_confirmation_required");
}

#[tokio::test]
async fn a_disabled_user_does_not_return_as_a_new_user() {
    let cinema = Cinema::start().await;
    cinema.app.client.new_user(NEO).await;
    let disable = "update auth.users set status = 'disabled', verified_email_key = email_key";
    cinema.app.sql().await.batch_execute(disable).await.unwrap();
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    cinema.browser().try_to_sign_in(GitHub, "neo").await.problem(403, "account_disabled");
}

#[tokio::test]
async fn an_address_that_a_previous_release_changed_is_unverified() {
    let cinema = Cinema::start().await;
    cinema.add_person(X, "squatter", Some("squatter@example.org"), true);
    let squatter = cinema.browser().sign_in(X, "squatter").await;
    // How the previous release changes an address.
    let changed = "update auth.users set email = $1, email_key = $1 where id = $2";
    cinema.app.sql().await.execute(changed, &[&GMAIL, &user_of(&squatter)]).await.unwrap();
    cinema.add_person(Google, "neo", Some(GMAIL), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(Google, "neo").await;
    let owner = browser.decline(&flow).await.pair();
    assert_ne!(user_of(&owner), user_of(&squatter));
    assert_eq!(cinema.linked(&owner).await, [("google".to_owned(), 8)]);
}

#[tokio::test]
async fn rule_8_the_password_links_and_verifies_and_ends_nothing() {
    let cinema = Cinema::start().await;
    let neo = cinema.app.client.new_user(NEO).await;
    let mut browser = cinema.browser();
    browser.try_to_link(&neo, X, "boris").await.expect(200);
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let (flow, methods) = browser.must_confirm(GitHub, "neo").await;
    assert_eq!(methods, ["password", "provider:x", "decline"]);
    assert_eq!(cinema.me(&neo).await["email_verified"], false, "nothing has changed yet");
    let pair = browser.confirm(&flow, PASSWORD).await.pair();
    assert_eq!(user_of(&pair), user_of(&neo));
    let me = cinema.me(&pair).await;
    assert_eq!((&me["email"], &me["email_verified"]), (&json!(NEO), &json!(true)));
    assert_eq!(cinema.linked(&pair).await, [("x".to_owned(), 4), ("github".to_owned(), 8)]);
    // Who knows the password has the account: sessions stay, and so does the password.
    cinema.me(&neo).await;
    cinema.app.client.sign_in(NEO).await;
    let how = "select confirmed_by from auth.oauth_accounts where provider = 'github'";
    assert_eq!(cinema.app.sql().await.query_one(how, &[]).await.unwrap().get::<_, &str>(0), "password");
}

#[tokio::test]
async fn rule_9_an_address_that_is_not_vouched_for_is_not_looked_up() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "refuse")]).await;
    let neo = cinema.app.client.new_user(NEO).await;
    prove(&cinema, NEO).await;
    for provider in [Yandex, MailRu, Facebook] {
        cinema.add_person(provider, "neo", Some(NEO), true);
        cinema.add_person(provider, "stranger", Some("stranger@example.org"), true);
        // The response is the same whether or not there is such a user.
        let there =
            cinema.browser().try_to_sign_in(provider, "neo").await.problem(409, "email_proof_required");
        let not =
            cinema.browser().try_to_sign_in(provider, "stranger").await.problem(409, "email_proof_required");
        assert_eq!((&there["title"], &there["detail"]), (&not["title"], &not["detail"]));
    }
    assert!(cinema.linked(&neo).await.is_empty());
}

#[tokio::test]
async fn with_registration_closed_only_existing_users_sign_in() {
    let cinema = Cinema::start().await;
    cinema.browser().sign_in(GitHub, "anna").await;
    cinema.app.client.new_user(NEO).await;
    cinema.add_person(Google, "neo", Some(NEO), true);
    // Another replica, on the same stores, where registration is closed.
    let mut vars = cinema.app.vars.clone();
    vars.insert("ADMIN_REGISTRATION", "closed".to_owned());
    let closed = crate::support::TestApp::launch_on(vars).await;
    closed.await_ready().await;
    let known = Browser::of(&closed).sign_in(GitHub, "anna").await;
    cinema.me(&known).await;
    for person in ["egor", "clara"] {
        Browser::of(&closed).try_to_sign_in(Google, person).await.problem(403, "registration_closed");
    }
    let mut browser = Browser::of(&closed);
    let (flow, methods) = browser.must_confirm(Google, "neo").await;
    assert_eq!(methods, ["password"], "no new account is offered");
    browser.decline(&flow).await.problem(403, "registration_closed");
    // No user lost the address.
    cinema.app.client.sign_in(NEO).await;
}

#[tokio::test]
async fn a_disabled_user_cannot_sign_in_through_a_provider() {
    let cinema = Cinema::start().await;
    let anna = cinema.browser().sign_in(GitHub, "anna").await;
    let disable = "update auth.users set status = 'disabled' where id = $1";
    cinema.app.sql().await.execute(disable, &[&user_of(&anna)]).await.unwrap();
    cinema.browser().try_to_sign_in(GitHub, "anna").await.problem(403, "account_disabled");
    let told = "select reason from auth.login_history where user_id = $1 and event = 'login_failed'";
    let sql = cinema.app.sql().await;
    let told =
        until("the entry is written", async || sql.query_opt(told, &[&user_of(&anna)]).await.unwrap()).await;
    assert_eq!(told.get::<_, &str>(0), "inactive");
}

#[tokio::test]
async fn concurrent_sign_ins_with_one_identity_create_one_user() {
    let cinema = Cinema::start().await;
    let pairs = join_all((0..8).map(|_| async { cinema.browser().sign_in(GitHub, "anna").await })).await;
    let users: std::collections::BTreeSet<_> = pairs.iter().map(user_of).collect();
    assert_eq!(users.len(), 1);
    // With one address from two providers, the first creates the user, and the other must be confirmed.
    cinema.add_person(Google, "neo", Some(NEO), true);
    cinema.add_person(X, "neo", Some(NEO), true);
    let tries = [Google, X, Google, X].map(|provider| {
        let cinema = &cinema;
        async move { cinema.browser().try_to_sign_in(provider, "neo").await.status }
    });
    let mut statuses = join_all(tries).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 409, 409]);
}
