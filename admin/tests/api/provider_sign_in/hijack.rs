//! The five attacks on an account that does not exist yet: Sudhodanan and Paverd, "Pre-hijacked accounts" (USENIX
//! Security 2022, section 4). In each the attacker acts first, and the victim comes later through a provider.

use mock_providers::Provider::{GitHub, Google, Yandex};
use serde_json::json;

use crate::support::{Cinema, PASSWORD, Pair};
use crate::witness::{sign_in, user_of};

/// An address for which Google is authoritative.
const VICTIM: &str = "victim@gmail.com";

/// The attacker registers with the victim's address.
async fn squat(cinema: &Cinema) -> Pair {
    cinema.app.client.new_user(VICTIM).await
}

/// The victim comes through a provider that vouches for the address, and declines the account that has it.
async fn victim(cinema: &Cinema) -> Pair {
    cinema.add_person(Google, "victim", Some(VICTIM), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(Google, "victim").await;
    browser.decline(&flow).await.pair()
}

/// Asserts that the victim has a separate account with the address, and that there is no other way to sign in to it.
async fn is_safe(cinema: &Cinema, victim: &Pair, attacker: &Pair) {
    assert_ne!(user_of(victim), user_of(attacker));
    assert_eq!(cinema.me(victim).await["email"], VICTIM);
    let ways: Vec<_> = cinema.linked(victim).await.into_iter().map(|(provider, _)| provider).collect();
    assert_eq!(ways, ["google"]);
    sign_in(&cinema.app, VICTIM, PASSWORD).send().await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn classic_federated_merge_the_attackers_password_does_not_open_the_victims_account() {
    let cinema = Cinema::start().await;
    let attacker = squat(&cinema).await;
    let victim = victim(&cinema).await;
    is_safe(&cinema, &victim, &attacker).await;
}

#[tokio::test]
async fn unexpired_session_the_attackers_session_is_not_one_of_the_victims_account() {
    let cinema = Cinema::start().await;
    let attacker = squat(&cinema).await;
    let kept_warm = cinema.app.client.refresh(&attacker.refresh).await.pair();
    let victim = victim(&cinema).await;
    is_safe(&cinema, &victim, &attacker).await;
    // It is still one of the attacker's own account, which has lost the address.
    let still = cinema.app.client.refresh(&kept_warm.refresh).await.pair();
    assert_eq!(user_of(&still), user_of(&attacker));
    assert_eq!(cinema.me(&still).await["email"], json!(null));
}

#[tokio::test]
async fn trojan_identifier_an_identity_linked_by_the_attacker_opens_only_the_attackers_account() {
    let cinema = Cinema::start().await;
    let attacker = squat(&cinema).await;
    let mut browser = cinema.browser();
    browser.try_to_link(&attacker, GitHub, "boris").await.expect(200);
    let login = json!({ "login": "trojan", "current_password": PASSWORD });
    let attacker =
        cinema.app.client.put("/api/v1/me/login").bearer(&attacker.access).json(&login).send().await.pair();

    let victim = victim(&cinema).await;
    is_safe(&cinema, &victim, &attacker).await;
    let by_identity = browser.sign_in(GitHub, "boris").await;
    assert_eq!(user_of(&by_identity), user_of(&attacker));
    let by_login = json!({ "login": "trojan", "password": PASSWORD });
    let by_login = cinema.app.client.post("/api/v1/auth/login").json(&by_login).send().await.pair();
    assert_eq!(user_of(&by_login), user_of(&attacker));
    assert_eq!(cinema.me(&by_login).await["email"], json!(null));
}

#[tokio::test]
async fn unexpired_email_change_no_change_that_the_attacker_began_takes_effect_later() {
    let cinema = Cinema::start().await;
    // A change of address takes effect at once here, so the attacker cannot keep one pending: the attacker changes to
    // the victim's address.
    let attacker = cinema.app.client.new_user("attacker@example.org").await;
    let change = |email: &str| json!({ "email": email, "current_password": PASSWORD });
    let put = |pair: &Pair, email: &str| {
        cinema.app.client.put("/api/v1/me/email").bearer(&pair.access).json(&change(email)).send()
    };
    let attacker = put(&attacker, VICTIM).await.pair();
    let victim = victim(&cinema).await;
    is_safe(&cinema, &victim, &attacker).await;
    // The address is taken.
    put(&attacker, VICTIM).await.problem(409, "email_taken");
    // A verified address says nothing about the next address.
    let moved = cinema.app.client.put("/api/v1/me/email").bearer(&victim.access);
    let moved = moved.json(&json!({ "email": "attackers-second@example.org" })).send().await.pair();
    let proved = "select verified_email_key is not null from auth.users where id = $1";
    let proved = cinema.app.sql().await.query_one(proved, &[&user_of(&moved)]).await.unwrap();
    assert!(!proved.get::<_, bool>(0));
}

#[tokio::test]
async fn non_verifying_provider_an_address_that_a_provider_does_not_vouch_for_opens_nothing() {
    for policy in ["refuse", "create", "ask"] {
        let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", policy)]).await;
        // The attacker uses the victim's address at a provider that does not verify it: before the victim arrives, and
        // afterwards.
        cinema.add_person(Yandex, "attacker", Some(VICTIM), true);
        let before = cinema.browser().try_to_sign_in(Yandex, "attacker").await;
        cinema.add_person(Google, "victim", Some(VICTIM), true);
        let victim = cinema.browser().sign_in(Google, "victim").await;
        let after = cinema.browser().try_to_sign_in(Yandex, "attacker").await;
        for reply in [before, after] {
            match policy {
                "refuse" => drop(reply.problem(409, "email_proof_required")),
                "ask" => drop(reply.problem(409, "email_proof_offered")),
                _ => {
                    let attacker = reply.pair();
                    is_safe(&cinema, &victim, &attacker).await;
                    assert_eq!(cinema.me(&attacker).await["email"], json!(null));
                }
            }
        }
    }
}

/// The class that the paper does not have: the attacker leaves the account ready, and waits until the victim confirms that
/// it is theirs.
#[tokio::test]
async fn a_stranger_who_registered_first_waits_in_vain_for_the_owners_proof() {
    let cinema = Cinema::start().await;
    let stranger = squat(&cinema).await;
    cinema.browser().try_to_link(&stranger, GitHub, "boris").await.expect(200);
    cinema.add_person(Google, "victim", Some(VICTIM), true);
    let mut browser = cinema.browser();
    let (flow, methods) = browser.must_confirm(Google, "victim").await;
    assert_eq!(methods, ["password", "provider:github", "decline"]);
    // The victim can do none of what confirms: only what the stranger knows or has does.
    browser.confirm(&flow, "the victim's own password").await.problem(401, "invalid_credentials");
    browser.confirm_through(&flow, GitHub, "anna").await.problem(409, "link_confirmation_required");
    assert!(!cinema.linked(&stranger).await.iter().any(|(provider, _)| provider == "google"));
    assert_eq!(cinema.me(&stranger).await["email_verified"], false);
    // The address of the account still proves nothing, and the victim gets a new account.
    let victim = browser.decline(&flow).await.pair();
    is_safe(&cinema, &victim, &stranger).await;
}
