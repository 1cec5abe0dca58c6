//! Several tabs, double clicks, the button for going back, and sessions that end elsewhere.

use super::Visit;
use crate::people::Person;

const EMAIL: &str = "neo@example.org";

#[tokio::test]
async fn two_tabs_with_an_expired_token_stay_signed_in_and_no_form_is_lost() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.create(EMAIL);
    visit.sign_in(EMAIL).await;
    visit.open("/account/profile").await;
    let first = browser.tab().await;
    let second = browser.new_tab().await;
    visit.open("/account/profile").await;

    browser.forget("__Host-access").await;
    browser.fill("First name", "Thomas").await;
    browser.press("Save").await;
    browser.sees("Saved.").await;
    browser.switch_to(&first).await;
    browser.forget("__Host-access").await;
    browser.fill("Last name", "Anderson").await;
    browser.press("Save").await;
    browser.sees("Saved.").await;

    // The other tab has shown what is not so any more: its form still acts, and its user is told what is.
    browser.press("Sign out").await;
    browser.sees("You are signed out.").await;
    browser.switch_to(&second).await;
    browser.fill("First name", "Neo").await;
    browser.press("Save").await;
    browser.sees("Sign in").await;
    // And going back shows nothing of the account.
    browser.back().await;
    visit.open("/account/").await;
    browser.sees("E-mail address or login name").await;
}

#[tokio::test]
async fn the_language_is_changed_without_losing_what_was_typed() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.open("/account/sign-in?language=en&return_to=%2Faccount%2Fhistory").await;
    browser.fill("E-mail address or login name", EMAIL).await;
    browser.press("Русский").await;
    browser.sees("Войти").await;
    assert_eq!(browser.run("return document.getElementById('identifier').value").await, EMAIL);
    browser.press("English").await;
    browser.sees("Sign in").await;
    assert_eq!(browser.value("E-mail address or login name").await, EMAIL);
    visit.create(EMAIL);
    browser.fill("Password", crate::people::PASSWORD).await;
    browser.key(crate::chromium::Key::Enter).await;
    browser.sees("Sign out").await;
    assert!(browser.address().await.ends_with("/account/history"), "{}", browser.address().await);
    // A page of an account, which has no form of its own.
    browser.press("Русский").await;
    browser.sees("Выйти").await;
    assert!(browser.address().await.ends_with("/account/history"), "{}", browser.address().await);
    assert_eq!(browser.console().await, Vec::<String>::new());
}

#[tokio::test]
async fn two_tabs_of_a_first_visit_lose_no_form() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.create(EMAIL);
    visit.open("/account/sign-in?language=en").await;
    browser.fill("E-mail address or login name", EMAIL).await;
    // The answer to another tab's first visit has replaced the mark of this one.
    browser.forget("__Host-page").await;
    browser.fill("Password", crate::people::PASSWORD).await;
    browser.press("Sign in").await;
    browser.sees("This page was out of date, so nothing was changed.").await;
    assert_eq!(browser.value("E-mail address or login name").await, EMAIL);
    browser.fill("Password", crate::people::PASSWORD).await;
    browser.press("Sign in").await;
    browser.sees("Sign out").await;
}

#[tokio::test]
async fn a_double_click_signs_in_once_and_a_session_that_ended_elsewhere_is_said() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.create(EMAIL);
    visit.open("/account/sign-in?language=en").await;
    browser.fill("E-mail address or login name", EMAIL).await;
    browser.fill("Password", crate::people::PASSWORD).await;
    browser.press_twice("Sign in").await;
    browser.sees("What happened recently").await;
    visit.open("/account/sessions").await;
    browser.sees("This device").await;
    assert!(!browser.text().await.contains("Sign out all other devices"), "{}", browser.text().await);

    let person = Person { id: String::new(), email: EMAIL.to_owned() };
    let elsewhere = person.sign_in(&visit.stack).await;
    let ended =
        harness::http::post(&visit.stack.gateway("/api/v1/auth/logout-all")).bearer(&elsewhere.access);
    assert_eq!(crate::people::send(ended).await.status, 200);
    visit.open("/account/history").await;
    browser.sees("Your session has ended. Please sign in again.").await;
    browser.fill("E-mail address or login name", EMAIL).await;
    browser.fill("Password", crate::people::PASSWORD).await;
    browser.press("Sign in").await;
    browser.sees("Signed out everywhere").await;
    assert!(browser.address().await.ends_with("/account/history"), "{}", browser.address().await);
}
