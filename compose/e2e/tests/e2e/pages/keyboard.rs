//! A viewer's life by the keyboard alone, and without scripts.

use super::{Visit, code_in};
use crate::chromium::Key;

const EMAIL: &str = "trinity@example.org";
const PASSWORD: &str = "violet harbour 82 lantern";
const OTHER: &str = "another harbour, another lantern";

#[tokio::test]
async fn a_viewers_life_by_keyboard_alone() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.open("/account/?language=en").await;
    browser.sees("No account yet?").await;

    // Registers, with a weak password first: nothing that was typed is lost, and the focus is on the field.
    browser.tab_to("Register").await.key(Key::Enter).await;
    browser.sees("We send a mail to your address.").await;
    browser.focuses("E-mail address").await.types(EMAIL).await;
    browser.tab_to("Display name").await.types("Trinity").await;
    browser.key(Key::Enter).await;
    browser.sees("Confirm your address").await;
    let code = code_in(&visit.mail(EMAIL, 1).await);
    browser.focuses("Code from the mail").await.types(&code).await;
    browser.tab_to("Password").await.types("password12").await;
    browser.key(Key::Enter).await;
    browser.sees("Many people use this password").await;
    assert_eq!(browser.value("Code from the mail").await, code);
    browser.focuses("Password").await.types(PASSWORD).await;
    browser.key(Key::Enter).await;
    browser.sees("Member since").await;
    browser.sees("Trinity").await;

    // The link to the content is first, and works.
    browser.tab_to("Skip to the content").await.key(Key::Enter).await;
    browser.tab_to("Profile").await.key(Key::Enter).await;
    browser.sees("What the cinema calls you").await;
    browser.tab_to("Phone number").await.types("123").await;
    browser.key(Key::Enter).await;
    browser.sees("This has the wrong form.").await;
    browser.focuses("Phone number").await.retypes("+79991234567").await;
    browser.key(Key::Enter).await;
    browser.sees("Saved.").await;

    // Another password; the old one no longer works.
    browser.tab_to("Sign-in").await.key(Key::Enter).await;
    browser.tab_to("Change the password").await.key(Key::Enter).await;
    browser.sees("All other devices are signed out.").await;
    browser.focuses("Current password").await.types(PASSWORD).await;
    browser.tab_to("New password").await.types(OTHER).await;
    browser.key(Key::Enter).await;
    browser.sees("The password is changed.").await;
    browser.tab_to("Sign out").await.key(Key::Enter).await;
    browser.sees("You are signed out.").await;
    browser.focuses("E-mail address or login name").await.types(EMAIL).await;
    browser.tab_to("Password").await.types(PASSWORD).await;
    browser.key(Key::Enter).await;
    browser.sees("The name or the password is wrong.").await;
    assert_eq!(browser.value("E-mail address or login name").await, EMAIL);
    browser.tab_to("Password").await.types(OTHER).await;
    browser.key(Key::Enter).await;
    browser.sees("What happened recently").await;

    // Erases the account, and keeps it.
    browser.tab_to("Your data").await.key(Key::Enter).await;
    browser.tab_to("Erase the account").await.key(Key::Enter).await;
    browser.sees("Erase the account?").await;
    browser.tab_to("Erase the account").await.key(Key::Enter).await;
    browser.sees("You are signed out, and the account will be erased.").await;
    browser.focuses("E-mail address or login name").await.types(EMAIL).await;
    browser.tab_to("Password").await.types(OTHER).await;
    browser.key(Key::Enter).await;
    browser.sees("Your account will be erased").await;
    browser.tab_to("Keep the account").await.key(Key::Enter).await;
    browser.sees("The account is kept.").await;
    // Chromium reports each refusal of a form as a resource that could not be loaded.
    let mut faults = browser.console().await;
    faults.retain(|line| !line.contains("Failed to load resource"));
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test]
async fn everything_works_without_scripts() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    browser.disable_scripts().await;
    visit.open("/account/register?language=en").await;
    assert!(!browser.text().await.contains("Show"), "a button that needs a script is not there");
    browser.fill("E-mail address", EMAIL).await;
    browser.press("Register").await;
    browser.sees("Confirm your address").await;
    browser.fill("Code from the mail", &code_in(&visit.mail(EMAIL, 1).await)).await;
    browser.fill("Password", PASSWORD).await;
    browser.press("Create the account").await;
    browser.sees("Member since").await;

    // A link from a mail, whose token is pasted.
    browser.press("Sign out").await;
    browser.sees("You are signed out.").await;
    visit.open("/account/forgot?language=en").await;
    browser.fill("E-mail address", EMAIL).await;
    browser.press("Send the link").await;
    browser.sees("a mail is on its way").await;
    let mail = visit.mail(EMAIL, 2).await;
    let token = mail.split("/account/reset#").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    visit.open(&format!("/account/reset#{token}")).await;
    browser.fill("The part of the link after #", token).await;
    browser.fill("New password", OTHER).await;
    browser.press("Set the password").await;
    browser.sees("The new password is set.").await;
    browser.fill("E-mail address or login name", EMAIL).await;
    browser.fill("Password", OTHER).await;
    browser.press("Sign in").await;
    browser.sees("The password was changed").await;
}

#[tokio::test]
async fn the_token_of_a_link_leaves_the_address_and_a_password_can_be_shown() {
    let visit = Visit::begin().await;
    let browser = &visit.browser;
    visit.create(EMAIL);
    visit.open("/account/forgot?language=en").await;
    browser.fill("E-mail address", EMAIL).await;
    browser.press("Send the link").await;
    browser.sees("a mail is on its way").await;
    let mail = visit.mail(EMAIL, 1).await;
    let token = mail.split("/account/reset#").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    visit.open(&format!("/account/reset#{token}")).await;
    browser.sees("Set a new password").await;
    assert!(!browser.address().await.contains('#') && !browser.text().await.contains("after #"));
    browser.fill("New password", "short").await;
    browser.press("Show").await;
    assert_eq!(browser.run("return document.getElementById('new_password').type").await, "text");
    browser.press("Set the password").await;
    browser.sees("The password is too short.").await;
    browser.fill("New password", OTHER).await;
    browser.press("Set the password").await;
    browser.sees("The new password is set.").await;
}
