//! One mailbox under several addresses, and an address that its account can take back: no second account comes about unasked, and
//! every mail says what to do.

use serde_json::json;

use super::email_change::{NEO, OTHER, change_to, me, proven, put};
use super::registration::{ask, count, start, with_code, with_token};
use super::{code_in, other_code, registration};
use crate::witness::{alive, user_of};

#[tokio::test]
async fn another_address_of_a_proven_mailbox_gets_no_second_account() {
    let post = start().await;
    proven(&post, "neo@yandex.ru").await;
    // The mail goes to the spelling of the account.
    let flow = ask(&post.app, "neo@ya.ru").await;
    let mail = post.next_mail("neo@yandex.ru", 1).await;
    assert!(mail.text.contains("/account/reset#") && !mail.text.contains("Code: "), "{mail:?}");
    with_code(&post.app, &flow, "123456").await.problem(403, "code_wrong");
    let forgot =
        post.app.client.post("/api/v1/auth/password/forgot").json(&json!({ "email": "neo@yandex.kz" }));
    forgot.send().await.expect(202);
    assert!(post.next_mail("neo@yandex.ru", 2).await.text.contains("/account/reset#"));
    assert_eq!(count(&post, "select count(*) from auth.users").await, 1);
    // Mail.ru's domains are different people, and so are other providers'.
    proven(&post, "neo@mail.ru").await;
    proven(&post, "neo@inbox.ru").await;
    assert_eq!(count(&post, "select count(*) from auth.users").await, 3);
}

#[tokio::test]
async fn a_code_for_another_address_of_the_mailbox_signs_in() {
    let post = start().await;
    let pair = proven(&post, "neo@gmail.com").await;
    let asked =
        post.app.client.post("/api/v1/auth/mail-code").json(&json!({ "email": "neo@googlemail.com" }));
    let flow = asked.send().await.expect(202).field("/flow");
    let code = code_in(&post.next_mail("neo@gmail.com", 1).await);
    let body = json!({ "flow": flow, "code": code });
    let again = post.app.client.post("/api/v1/auth/mail-code/login").json(&body).send().await.pair();
    assert_eq!(user_of(&again), user_of(&pair));
    // The user can change to it, too.
    let changed = change_to(&post, &again, "neo@googlemail.com", 0).await;
    assert_eq!(me(&post.app, &changed).await["email"], "neo@googlemail.com");
}

#[tokio::test]
async fn the_owner_of_a_changed_address_learns_of_the_link_by_which_it_returns() {
    let post = start().await;
    let pair = proven(&post, NEO).await;
    change_to(&post, &pair, OTHER, 0).await;
    let client = &post.app.client;
    let before = post.next_mail(NEO, 1).await;
    assert!(before.text.contains("/account/undo#"), "{before:?}");
    for (number, path) in ["auth/password/forgot", "auth/mail-code", "auth/register"].into_iter().enumerate()
    {
        client.post(&format!("/api/v1/{path}")).json(&json!({ "email": NEO })).send().await.expect(202);
        let mail = post.next_mail(NEO, 2 + number).await;
        assert!(mail.text.contains("another address") && !mail.text.contains("Code: "), "{path}: {mail:?}");
    }
}

#[tokio::test]
async fn another_spelling_of_the_own_address_ends_nothing() {
    let post = start().await;
    let pair = proven(&post, NEO).await;
    let other = post.app.client.sign_in(NEO).await;
    post.until_count("true", 0).await;
    let sent = post.catcher.mails().len();
    put(&post.app, &pair, "Neo@Example.org").await.expect(200);
    alive(&post.app, &other.access).await;
    post.app.client.refresh(&other.refresh).await.pair();
    assert_eq!(me(&post.app, &other).await["email"], "Neo@Example.org");
    post.until_count("true", 0).await;
    assert_eq!(post.catcher.mails().len(), sent);
}

#[tokio::test]
async fn after_too_many_wrong_codes_a_resent_code_and_every_link_work() {
    let post = start().await;
    let flow = ask(&post.app, NEO).await;
    let mail = post.next_mail(NEO, 0).await;
    for _ in 0..5 {
        with_code(&post.app, &flow, &other_code(&code_in(&mail))).await.problem(403, "code_wrong");
    }
    with_code(&post.app, &flow, &code_in(&mail)).await.problem(410, "code_expired");
    let next = registration::resend(&post.app, &flow).await.expect(202).field("/flow");
    let code = code_in(&post.next_mail(NEO, 1).await);
    with_code(&post.app, &next, &code).await.pair();

    let post = start().await;
    let flow = ask(&post.app, NEO).await;
    let mail = post.next_mail(NEO, 0).await;
    for _ in 0..6 {
        with_code(&post.app, &flow, &other_code(&code_in(&mail))).await;
    }
    with_token(&post.app, &registration::token_in(&mail)).await.pair();
    post.app.client.sign_in(NEO).await;
}
