//! The sign-in page in a real browser: what a user sees, and what is stored afterwards.

use fantoccini::key::Key;
use harness::Stack;
use harness::http::{call, get};
use hyper::Method;
use serde_json::{Value, json};

use crate::chromium::Browser;
use crate::people::{PASSWORD, send};

/// A system with a sign-in page, and a browser that shows it.
struct Visit {
    browser: Browser,
    stack: Stack,
}

impl Visit {
    async fn begin() -> Self {
        let (stack, browser) = tokio::join!(Stack::builder().providers().start(), Browser::start());
        let visit = Self { browser, stack: stack.unwrap() };
        visit.browser.open(&visit.page()).await;
        visit.browser.sees("You are not signed in.").await;
        visit
    }

    fn page(&self) -> String {
        self.stack.gateway("/sign-in/")
    }

    /// Signs in at a provider as one of its users.
    async fn sign_in(&self, provider: &str, person: &str) {
        self.browser.press(&format!("Sign in with {provider}")).await;
        self.browser.choose(person).await;
    }

    /// Gives a provider's user Anna a name and an address of her own, so that she is not mistaken for another's.
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
        visit.sign_in(&text("name"), "anna").await;
        visit.browser.sees("You are signed in.").await;
        visit.browser.sees(&name).await;
        visit.browser.press("Sign out").await;
        visit.browser.sees("You are signed out.").await;
        assert!(!visit.browser.text().await.contains(&name));
    }
}

#[tokio::test]
async fn a_second_account_is_linked_and_unlinked_and_the_last_one_stays() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.sign_in("GitHub", "anna").await;
    browser.sees("Unlink GitHub").await;

    browser.press("Link Google").await;
    browser.choose("anna").await;
    browser.sees("Google is linked.").await;
    browser.sees("Unlink Google").await;
    browser.sees("Unlink GitHub").await;

    browser.press("Unlink Google").await;
    browser.sees("Google is unlinked.").await;
    browser.sees("Link Google").await;
    browser.press("Unlink GitHub").await;
    browser.sees("This is your only way to sign in").await;
    browser.sees("Unlink GitHub").await;

    // When another provider is linked, this one can be unlinked; the session that began with it ends.
    browser.press("Link Google").await;
    browser.choose("anna").await;
    browser.sees("Google is linked.").await;
    browser.press("Unlink GitHub").await;
    browser.sees("GitHub is unlinked. Your session has ended.").await;
    visit.sign_in("Google", "anna").await;
    browser.sees("Unlink Google").await;
    browser.sees("Link GitHub").await;
}

#[tokio::test]
async fn a_user_who_refuses_at_the_provider_sees_a_message_and_is_not_signed_in() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    // By its address alone, as a link on any other page would open it.
    let start = format!("/api/v1/oauth/github/login?return_to={}", visit.page());
    browser.open(&visit.stack.gateway(&start)).await;
    browser.choose("1").await;
    browser.sees("You chose not to sign in there").await;
    browser.sees("Sign in with GitHub").await;
    assert_eq!(browser.run("return sessionStorage.getItem('tokens') ?? 'none'").await, "none");
    assert_eq!(browser.run("return document.activeElement.id").await, "status");
}

#[tokio::test]
async fn an_account_of_the_same_address_is_linked_with_its_password_by_keyboard_alone() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    // A user whose e-mail address the provider reports as verified.
    let made = visit.stack.admins[0].command(&["superuser", "create", "anna@example.org"], PASSWORD);
    made.unwrap();
    visit.sign_in("GitHub", "anna").await;
    browser.sees("an account here with the same e-mail address").await;

    for (password, expected) in
        [("not it", "That is not the password."), (PASSWORD, "The accounts are linked")]
    {
        browser.fill("The password of your account here", password).await;
        browser.key(Key::Enter).await;
        browser.sees(expected).await;
    }
    browser.sees("anna@example.org").await;
    browser.sees("Unlink GitHub").await;
}

#[tokio::test]
async fn an_expired_token_is_renewed_and_an_ended_session_is_shown() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.sign_in("GitHub", "anna").await;
    browser.sees("You are signed in.").await;
    let kept = async || -> Value {
        serde_json::from_str(&browser.run("return sessionStorage.getItem('tokens')").await).unwrap()
    };
    let spoil = |tokens: Value| format!("sessionStorage.setItem('tokens', JSON.stringify({tokens}))");
    let first = kept().await;

    let mut spoiled = first.clone();
    spoiled["access_token"] = json!("spoiled");
    browser.run(&spoil(spoiled)).await;
    browser.open(&visit.page()).await;
    browser.sees("Anna Petrova").await;
    assert_ne!(kept().await["refresh_token"], first["refresh_token"]);

    browser.run(&spoil(json!({ "access_token": "spoiled", "refresh_token": "spoiled" }))).await;
    browser.open(&visit.page()).await;
    browser.sees("Your session has ended. Please sign in again.").await;
    browser.sees("Sign in with GitHub").await;
}

#[tokio::test]
async fn no_token_is_in_the_address_or_a_cookie_and_the_console_has_no_error() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.sign_in("Google", "anna").await;
    browser.sees("You are signed in.").await;

    assert_eq!(browser.address().await, visit.page());
    assert_eq!(browser.run("return document.cookie").await, "");
    assert_eq!(browser.run("return JSON.stringify(localStorage)").await, "{}");
    let kept = browser.run("return sessionStorage.getItem('tokens')").await;
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let shown = browser.run("return document.documentElement.outerHTML").await;
    for name in ["access_token", "refresh_token"] {
        assert!(!shown.contains(kept[name].as_str().unwrap()), "{name}");
    }

    // A page that is loaded again still knows the user.
    browser.open(&visit.page()).await;
    browser.sees("Anna Petrova").await;
    browser.press("Sign out").await;
    browser.sees("You are signed out.").await;
    assert_eq!(browser.console().await, Vec::<String>::new());
}
