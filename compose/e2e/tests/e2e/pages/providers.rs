//! Identity providers, by the pages.

use harness::http::{call, get};
use hyper::Method;
use serde_json::json;

use super::{Visit, code_in};
use crate::chromium::Key;
use crate::people::{PASSWORD, send};

impl Visit {
    /// Starts at the page for the sign-in, and chooses a user of the provider.
    async fn sign_in_through(&self, provider: &str, person: &str) {
        self.open("/account/sign-in?language=en").await;
        self.browser.follow(&format!("Continue with {provider}")).await;
        self.browser.choose(person).await;
    }

    /// Gives a provider's user Anna an address of her own, so that she is not mistaken for another's.
    async fn rename_anna(&self, id: &str, name: &str) {
        let person = json!({
            "provider": id, "key": "anna", "subject": "7700001", "name": name,
            "email": format!("anna@{id}.example.org"), "email_verified": true,
        });
        let url = self.stack.providers.as_ref().unwrap().url("/_control/people");
        assert_eq!(send(call(Method::PUT, &url).json(&person)).await.status, 204);
    }
}

#[tokio::test]
async fn a_person_signs_in_through_each_provider_and_out_again() {
    let visit = Visit::begin().await;
    let listed = send(get(&visit.stack.gateway("/api/v1/auth/providers"))).await.json();
    let providers = listed["items"].as_array().unwrap().clone();
    assert_eq!(providers.len(), 7, "{listed}");
    for provider in providers {
        let text = |field: &str| provider[field].as_str().unwrap().to_owned();
        let (id, name) = (text("id"), format!("Anna {}", text("id")));
        visit.rename_anna(&id, &name).await;
        visit.sign_in_through(&text("name"), "anna").await;
        visit.browser.sees_any(&["Member since", "Do you have an account already?"]).await;
        if visit.browser.text().await.contains("Do you have an account already?") {
            visit.browser.press("Create a new account").await;
            visit.browser.sees("Member since").await;
        }
        visit.browser.sees(&name).await;
        assert!(!visit.browser.address().await.contains('?'), "{}", visit.browser.address().await);
        visit.browser.press("Sign out").await;
        visit.browser.sees("You are signed out.").await;
        assert!(!visit.browser.text().await.contains(&name));
    }
    assert_eq!(visit.browser.console().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_second_account_is_linked_and_unlinked_and_the_last_one_stays() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.sign_in_through("GitHub", "anna").await;
    browser.sees("Member since").await;
    visit.open("/account/security").await;
    browser.follow("Link Google").await;
    browser.press("Link Google").await;
    browser.choose("anna").await;
    browser.sees("The account is linked.").await;

    browser.follow("Unlink Google").await;
    browser.sees("You can no longer sign in with Google.").await;
    browser.press("Unlink Google").await;
    browser.sees("The account is unlinked.").await;
    browser.follow("Unlink GitHub").await;
    browser.press("Unlink GitHub").await;
    browser.sees("This is your only way to sign in.").await;
}

#[tokio::test]
async fn an_account_of_the_same_address_is_linked_with_its_password() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.create("anna@example.org");
    visit.sign_in_through("GitHub", "anna").await;
    browser.sees("You already have an account").await;
    for (password, expected) in [("not it", "The name or the password is wrong."), (PASSWORD, "Member since")]
    {
        browser.fill("Password", password).await;
        browser.press("Confirm").await;
        browser.sees(expected).await;
    }
    browser.sees("anna@example.org").await;
    visit.open("/account/security").await;
    browser.sees("Unlink GitHub").await;
}

#[tokio::test]
async fn enter_in_the_field_of_a_code_confirms_and_sends_no_other_mail() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.create("anna@example.org");
    visit.sign_in_through("GitHub", "anna").await;
    browser.sees("You already have an account").await;
    browser.press("Send a code to its address").await;
    let code = code_in(&visit.mail("anna@example.org", 1).await);
    browser.fill("Code from the mail", "000000").await;
    browser.key(Key::Enter).await;
    browser.sees("The code is wrong.").await;
    assert_eq!(visit.mails("anna@example.org").await.len(), 1);
    browser.fill("Code from the mail", &code).await;
    browser.key(Key::Enter).await;
    browser.sees("Member since").await;
}

#[tokio::test]
async fn a_user_who_refuses_at_the_provider_sees_a_message_and_is_not_signed_in() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.open("/account/sign-in?language=en").await;
    browser.follow("Continue with GitHub").await;
    browser.choose("1").await;
    browser.sees("You stopped the sign-in at the provider.").await;
    browser.sees("Continue with GitHub").await;
}
