//! The rules by which somebody who comes back from a provider becomes somebody here.

use futures_util::future::join_all;
use mock_providers::Provider::{Facebook, GitHub, Google, MailRu, X, Yandex};
use reqwest::Method;
use serde_json::json;

use crate::support::{Browser, Cinema, PASSWORD, Pair, Reply};
use crate::witness::{dead, sign_in, user_of};

const NEO: &str = "neo@example.org";

/// Says that it is known of an address that it is its holder's.
async fn prove(cinema: &Cinema, email: &str) {
    let proved = "update auth.users set verified_email_key = email_key where email_key = $1";
    assert_eq!(cinema.app.sql().await.execute(proved, &[&email]).await.unwrap(), 1);
}

async fn confirm(browser: &Browser, flow: &str, password: &str) -> Reply {
    let body = json!({ "flow": flow, "password": password });
    browser.call(Method::POST, "/api/v1/oauth/link/confirm").json(&body).send().await
}

/// Somebody with a password and a proved address comes with an account that has this address.
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
async fn rule_1_whoever_came_before_is_signed_in_whatever_their_address_became() {
    let cinema = Cinema::start().await;
    let first = cinema.browser().sign_in(GitHub, "anna").await;
    cinema.app.client.new_user(NEO).await;
    cinema.add_person(GitHub, "anna", Some(NEO), false);
    let again = cinema.browser().sign_in(GitHub, "anna").await;
    assert_eq!(user_of(&first), user_of(&again));
    assert_eq!(cinema.me(&again).await["email"], "anna@github.example.org", "it is not changed in silence");
}

#[tokio::test]
async fn rule_2_an_account_that_is_linked_already_stays_so() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    // To be sent at all, it must look as if none were linked.
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
async fn rule_3_an_account_of_another_person_cannot_be_linked() {
    let cinema = Cinema::start().await;
    cinema.browser().sign_in(Google, "anna").await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&pair, Google, "anna").await.problem(409, "oauth_account_in_use");
    assert_eq!(cinema.linked(&pair).await.len(), 1);
}

#[tokio::test]
async fn rule_4_whoever_is_signed_in_links_an_account_whatever_its_address_is() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = cinema.app.client.new_user(NEO).await;
    let other = cinema.app.client.sign_in(NEO).await;
    browser.try_to_link(&pair, Yandex, "boris").await.expect(200);
    assert_eq!(cinema.linked(&pair).await, [("yandex".to_owned(), 4)]);
    assert_eq!(user_of(&cinema.browser().sign_in(Yandex, "boris").await), user_of(&pair));
    // Other sessions go on.
    cinema.me(&other).await;
    // One account of a provider each.
    browser.try_to_link(&pair, Yandex, "anna").await.problem(409, "oauth_provider_linked");
}

#[tokio::test]
async fn rule_5_without_an_address_an_account_is_made_each_time_somebody_new_comes() {
    let cinema = Cinema::start().await;
    let github = cinema.browser().sign_in(GitHub, "clara").await;
    let yandex = cinema.browser().sign_in(Yandex, "clara").await;
    assert_ne!(user_of(&github), user_of(&yandex));
    assert_eq!(cinema.linked(&github).await, [("github".to_owned(), 5)]);
}

#[tokio::test]
async fn rule_6_a_proved_address_that_nobody_has_is_theirs() {
    let cinema = Cinema::start().await;
    let pair = cinema.browser().sign_in(X, "anna").await;
    let sql = "select verified_email_key = email_key and password_hash is null from auth.users where id = $1";
    assert!(cinema.app.sql().await.query_one(sql, &[&user_of(&pair)]).await.unwrap().get::<_, bool>(0));
    // It is taken by now.
    cinema.app.client.register("anna@x.example.org").await.problem(409, "email_taken");
}

#[tokio::test]
async fn rule_7_the_password_is_asked_for_before_a_proved_address_opens_an_account() {
    let cinema = Cinema::start().await;
    let (neo, browser, flow) = to_be_confirmed(&cinema).await;
    confirm(&browser, &flow, "another password").await.problem(401, "invalid_credentials");
    let pair = confirm(&browser, &flow, PASSWORD).await.pair();
    assert_eq!(user_of(&pair), user_of(&neo));
    assert_eq!(cinema.linked(&pair).await, [("github".to_owned(), 7)]);
    // From now on it is a way in.
    assert_eq!(user_of(&cinema.browser().sign_in(GitHub, "neo").await), user_of(&neo));
    confirm(&browser, &flow, PASSWORD).await.problem(410, "code_expired");
}

#[tokio::test]
async fn a_password_is_tried_five_times_and_only_in_the_browser_that_came() {
    let cinema = Cinema::start().await;
    let (_, browser, flow) = to_be_confirmed(&cinema).await;
    confirm(&cinema.browser(), &flow, PASSWORD).await.problem(410, "code_expired");
    let (mut browser, mut flow) = (browser, flow);
    let reply = browser.try_to_sign_in(GitHub, "neo").await;
    reply.problem(409, "link_confirmation_required")["flow"].as_str().unwrap().clone_into(&mut flow);
    for _ in 0..5 {
        confirm(&browser, &flow, "wrong").await.problem(401, "invalid_credentials");
    }
    confirm(&browser, &flow, PASSWORD).await.problem(410, "code_expired");
    confirm(&browser, "a", PASSWORD).await.problem(410, "code_expired");
}

#[tokio::test]
async fn passwords_that_are_tried_at_once_are_tried_one_by_one() {
    let cinema = Cinema::start().await;
    let (_, browser, flow) = to_be_confirmed(&cinema).await;
    let tries = join_all((0..8).map(|_| confirm(&browser, &flow, PASSWORD))).await;
    let statuses: Vec<_> = tries.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 410, 503].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn whoever_has_no_password_is_told_to_link_from_within() {
    let cinema = Cinema::start().await;
    cinema.browser().sign_in(GitHub, "anna").await;
    cinema.add_person(Google, "same", Some("anna@github.example.org"), true);
    let reply = cinema.browser().try_to_sign_in(Google, "same").await;
    let problem = reply.problem(409, "link_confirmation_required");
    assert!(
        problem.get("flow").is_none() && problem["detail"].as_str().unwrap().contains("link this account")
    );
}

#[tokio::test]
async fn an_operator_may_let_proved_addresses_be_linked_without_a_question() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_LINK_VERIFIED", "auto")]).await;
    let neo = cinema.app.client.new_user(NEO).await;
    prove(&cinema, NEO).await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let pair = cinema.browser().sign_in(GitHub, "neo").await;
    assert_eq!(user_of(&pair), user_of(&neo));
    assert_eq!(cinema.linked(&pair).await, [("github".to_owned(), 7)]);
}

#[tokio::test]
async fn rule_7_whoever_has_another_account_of_the_provider_is_told_so() {
    for policy in ["confirm", "auto"] {
        let cinema = Cinema::start_with(&[("ADMIN_OAUTH_LINK_VERIFIED", policy)]).await;
        cinema.add_person(GitHub, "neo", Some(NEO), true);
        cinema.browser().sign_in(GitHub, "neo").await;
        // The account there was removed and made again: the address is the same.
        cinema.add_person(GitHub, "neo-again", Some(NEO), true);
        let reply = cinema.browser().try_to_sign_in(GitHub, "neo-again").await;
        reply.problem(409, "oauth_provider_linked");
    }
}

#[tokio::test]
async fn what_changed_before_the_password_was_given_is_told() {
    let cinema = Cinema::start().await;
    let (neo, mut browser, first) = to_be_confirmed(&cinema).await;
    let again = async |browser: &mut Browser| {
        let reply = browser.try_to_sign_in(GitHub, "neo").await;
        reply.problem(409, "link_confirmation_required")["flow"].as_str().unwrap().to_owned()
    };
    let (second, third) = (again(&mut browser).await, again(&mut browser).await);
    let sql = cinema.app.sql().await;
    sql.batch_execute("update auth.users set status = 'disabled'").await.unwrap();
    confirm(&browser, &first, PASSWORD).await.problem(403, "account_disabled");
    sql.batch_execute("update auth.users set status = 'active'").await.unwrap();
    // Meanwhile another account of the provider was linked; then this one, to another person.
    cinema.browser().try_to_link(&neo, GitHub, "clara").await.expect(200);
    confirm(&browser, &second, PASSWORD).await.problem(409, "oauth_provider_linked");
    let other = cinema.app.client.new_user("other@example.org").await;
    cinema.browser().try_to_link(&other, GitHub, "neo").await.expect(200);
    confirm(&browser, &third, PASSWORD).await.problem(409, "oauth_account_in_use");
}

#[tokio::test]
async fn an_address_that_was_typed_in_is_proved_by_linking_an_account_that_vouches_for_it() {
    let cinema = Cinema::start().await;
    let neo = cinema.app.client.new_user(NEO).await;
    for provider in [GitHub, Google] {
        cinema.add_person(provider, "neo", Some(NEO), true);
    }
    cinema.browser().try_to_link(&neo, GitHub, "neo").await.expect(200);
    // So whoever comes through another with it is asked, and takes nothing from themselves.
    cinema.browser().try_to_sign_in(Google, "neo").await.problem(409, "link_confirmation_required");
    cinema.me(&neo).await;
}

#[tokio::test]
async fn an_address_that_is_signed_in_with_is_proved_by_that() {
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
async fn a_superuser_does_not_lose_their_address() {
    let cinema = Cinema::start().await;
    cinema.app.client.new_user(NEO).await;
    cinema.app.sql().await.batch_execute("update auth.users set is_superuser = true").await.unwrap();
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    cinema.browser().try_to_sign_in(GitHub, "neo").await.problem(409, "link_confirmation_required");
}

#[tokio::test]
async fn whoever_is_disabled_does_not_come_back_as_somebody_new() {
    let cinema = Cinema::start().await;
    cinema.app.client.new_user(NEO).await;
    cinema.app.sql().await.batch_execute("update auth.users set status = 'disabled'").await.unwrap();
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    cinema.browser().try_to_sign_in(GitHub, "neo").await.problem(403, "account_disabled");
}

#[tokio::test]
async fn a_program_that_knows_nothing_of_proofs_leaves_none_behind() {
    let cinema = Cinema::start().await;
    cinema.add_person(X, "squatter", Some("squatter@example.org"), true);
    let squatter = cinema.browser().sign_in(X, "squatter").await;
    // As the previous release changes an address.
    let changed = "update auth.users set email = $1, email_key = $1 where id = $2";
    cinema.app.sql().await.execute(changed, &[&NEO, &user_of(&squatter)]).await.unwrap();
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let owner = cinema.browser().sign_in(GitHub, "neo").await;
    assert_ne!(user_of(&owner), user_of(&squatter));
    assert_eq!(cinema.linked(&owner).await, [("github".to_owned(), 8)]);
}

#[tokio::test]
async fn rule_8_an_address_that_was_only_typed_in_goes_to_whoever_proves_it() {
    let cinema = Cinema::start().await;
    let squatter = cinema.app.client.new_user(NEO).await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let owner = cinema.browser().sign_in(GitHub, "neo").await;
    assert_ne!(user_of(&owner), user_of(&squatter));
    assert_eq!(cinema.me(&owner).await["email"], NEO);
    assert_eq!(cinema.linked(&owner).await, [("github".to_owned(), 8)]);
    // The other keeps the rest of their account, but no session and no way in by that address.
    dead(&cinema.app, &squatter.access).await;
    cinema.app.client.refresh(&squatter.refresh).await.problem(401, "session_revoked");
    sign_in(&cinema.app, NEO, PASSWORD).send().await.problem(401, "invalid_credentials");
    let kept =
        "select count(*) from auth.users where id = $1 and email is null and password_hash is not null";
    let kept = cinema.app.sql().await.query_one(kept, &[&user_of(&squatter)]).await.unwrap();
    assert_eq!(kept.get::<_, i64>(0), 1);
    // They are told, but not from where the owner came.
    let told = "select count(*) from auth.login_history where user_id = $1 and event = 'email_claimed'
                and address is null and user_agent is null";
    assert_eq!(
        cinema.app.sql().await.query_one(told, &[&user_of(&squatter)]).await.unwrap().get::<_, i64>(0),
        1
    );
}

#[tokio::test]
async fn rule_9_nobody_is_looked_for_by_an_address_that_is_not_vouched_for() {
    let cinema = Cinema::start().await;
    let neo = cinema.app.client.new_user(NEO).await;
    prove(&cinema, NEO).await;
    for provider in [Yandex, MailRu, Facebook] {
        cinema.add_person(provider, "neo", Some(NEO), true);
        cinema.add_person(provider, "nobody", Some("nobody@example.org"), true);
        // Whether or not there is such a user, the answer is the same.
        let there =
            cinema.browser().try_to_sign_in(provider, "neo").await.problem(409, "email_proof_required");
        let not =
            cinema.browser().try_to_sign_in(provider, "nobody").await.problem(409, "email_proof_required");
        assert_eq!((&there["title"], &there["detail"]), (&not["title"], &not["detail"]));
    }
    assert!(cinema.linked(&neo).await.is_empty());
}

#[tokio::test]
async fn with_registration_closed_only_those_who_are_known_come_in() {
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
    for (provider, person) in [(Google, "egor"), (Google, "clara"), (Google, "neo")] {
        let reply = Browser::of(&closed).try_to_sign_in(provider, person).await;
        reply.problem(403, "registration_closed");
    }
    // Nobody lost their address over it.
    cinema.app.client.sign_in(NEO).await;
}

#[tokio::test]
async fn whoever_is_disabled_is_not_let_in_by_a_provider() {
    let cinema = Cinema::start().await;
    let anna = cinema.browser().sign_in(GitHub, "anna").await;
    let disable = "update auth.users set status = 'disabled' where id = $1";
    cinema.app.sql().await.execute(disable, &[&user_of(&anna)]).await.unwrap();
    cinema.browser().try_to_sign_in(GitHub, "anna").await.problem(403, "account_disabled");
    let told = "select reason from auth.login_history where user_id = $1 and event = 'login_failed'";
    let told = cinema.app.sql().await.query_one(told, &[&user_of(&anna)]).await.unwrap();
    assert_eq!(told.get::<_, &str>(0), "inactive");
}

#[tokio::test]
async fn those_who_come_at_once_become_one() {
    let cinema = Cinema::start().await;
    let pairs = join_all((0..8).map(|_| async { cinema.browser().sign_in(GitHub, "anna").await })).await;
    let users: std::collections::BTreeSet<_> = pairs.iter().map(user_of).collect();
    assert_eq!(users.len(), 1);
    // With one address from two providers, one of them is first, and the other is asked.
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
