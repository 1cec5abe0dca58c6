//! Codes and links that prove an address: how long they last, and how often they can be guessed.

use std::time::Duration;

use serde_json::{Value, json};

use super::registration::{ask, change, count, resend, start, token_in, with_code, with_token};
use super::{code_in, other_code};
use crate::support::PASSWORD;

const NEO: &str = "Neo@example.org";

#[tokio::test]
async fn wrong_codes_are_bounded_for_a_flow_and_make_the_codes_of_the_address_long() {
    let post = start().await;
    let app = &post.app;
    app.begin_window(Duration::from_hours(24));
    for round in 0..4 {
        // The bounds of mails are not what is tested here.
        let flow = ask(app, NEO).await;
        let mail = if round < 3 { Some(post.next_mail(NEO, round).await) } else { None };
        for _ in 0..5 {
            let wrong = mail.as_ref().map_or("000000".to_owned(), |mail| other_code(&code_in(mail)));
            with_code(app, &flow, &wrong).await.problem(403, "code_wrong");
        }
        let right = mail.as_ref().map_or("000000".to_owned(), code_in);
        with_code(app, &flow, &right).await.problem(410, "code_expired");
    }
    app.advance(Duration::from_hours(2));
    let flow = ask(app, NEO).await;
    let code = code_in(&post.next_mail(NEO, 3).await);
    assert_eq!(code.len(), 11, "ten characters and a hyphen");
    with_code(app, &flow, &code.to_lowercase()).await.pair();
}

#[tokio::test]
async fn the_last_three_codes_of_a_flow_and_three_links_are_valid() {
    let post = start().await;
    let app = &post.app;
    app.begin_window(Duration::from_hours(24));
    let flow = ask(app, NEO).await;
    let first = post.next_mail(NEO, 0).await;
    for number in 1..3 {
        let left = resend(app, &flow).await.expect(202).json()["expires_in"].as_u64().unwrap();
        assert!((3590..=3600).contains(&left), "{left}");
        post.next_mail(NEO, number).await;
    }
    // There is room for another mail, the flow is over, and PostgreSQL, by whose clock links end, has not moved.
    app.advance(Duration::from_mins(80));
    resend(app, &flow).await.problem(410, "code_expired");
    let other = ask(app, NEO).await;
    let last = post.next_mail(NEO, 3).await;
    assert_eq!(count(&post, "select count(*) from auth.mail_proofs").await, 3);
    with_token(app, &token_in(&first)).await.problem(403, "code_wrong");
    let second = post.catcher.mails()[1].clone();
    with_token(app, &token_in(&second)).await.pair();
    // That address has an account now.
    with_code(app, &other, &code_in(&last)).await.problem(409, "email_taken");
}

#[tokio::test]
async fn a_code_lasts_ten_minutes_from_its_hand_over_and_a_link_an_hour() {
    let post = start().await;
    let app = &post.app;
    let flow = ask(app, NEO).await;
    let mail = post.next_mail(NEO, 0).await;
    let (code, token) = (code_in(&mail), token_in(&mail));
    let age = async |minutes: u32| {
        let sql = format!(
            "update auth.mail_proofs set handed_over_at = clock_timestamp() - interval '{minutes} minutes'"
        );
        change(&post, &sql).await;
    };
    age(60).await;
    with_token(app, &token).await.problem(403, "code_wrong");
    age(59).await;
    with_code(app, &flow, &code).await.problem(403, "code_wrong");
    with_token(app, &token).await.pair();
}

#[tokio::test]
async fn a_mail_that_comes_too_late_is_not_sent_and_one_that_is_sent_twice_has_the_same_code() {
    let post = start().await;
    let app = &post.app;
    post.catcher.set_fault(Some(mail_catcher::Fault::HangUpAfterContent));
    let flow = ask(app, NEO).await;
    post.mails(1).await;
    post.until_postponed().await;
    change(&post, "update auth.mail_proofs set handed_over_at = clock_timestamp() - interval '11 minutes'")
        .await;
    post.catcher.set_fault(None);
    post.retry().await;
    let mails = post.mails(2).await;
    assert_eq!((code_in(&mails[0]), token_in(&mails[0])), (code_in(&mails[1]), token_in(&mails[1])));
    with_code(app, &flow, &code_in(&mails[1])).await.pair();

    // The mail server is unavailable for longer than the code is of use.
    post.catcher.set_fault(Some(mail_catcher::Fault::HangUpAfterContent));
    ask(app, "late@example.org").await;
    post.mails(3).await;
    post.until_postponed().await;
    let before = post.catcher.mails().len();
    post.catcher.set_fault(None);
    post.change(
        "update auth.mail_outbox set not_after = clock_timestamp(), next_attempt_at = clock_timestamp()",
    )
    .await;
    post.until_count("true", 0).await;
    assert_eq!(post.catcher.mails().len(), before);
}

#[tokio::test]
async fn an_address_asks_for_three_hundred_accounts_an_hour_and_a_proven_one_is_returned() {
    let post = start().await;
    let app = &post.app;
    app.begin_window(Duration::from_hours(1));
    let call = async |path: &str, body: &Value| {
        let call = app.client.post(path).json(body);
        call.header("x-forwarded-for", "198.51.100.77").send().await
    };
    let ask = async |email: &str| call("/api/v1/auth/register", &json!({ "email": email })).await;
    let flow = ask(NEO).await.expect(202).field("/flow");
    let code = code_in(&post.next_mail(NEO, 0).await);
    for number in 1..300 {
        ask(&format!("{number}@example.org")).await.expect(202);
    }
    ask("300@example.org").await.problem(429, "too_many_attempts");
    let body = json!({ "flow": flow, "code": code, "password": PASSWORD });
    call("/api/v1/auth/email/verify", &body).await.pair();
    ask("300@example.org").await.expect(202);
    ask("301@example.org").await.problem(429, "too_many_attempts");
}
