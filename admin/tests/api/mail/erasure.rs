//! Mails about the end of an account: they name the day, and lead to where the account is kept.

use serde_json::json;

use super::email_change::{NEO, OTHER, proven};
use super::registration::{change, start};
use super::{Post, code_in};
use crate::support::{PASSWORD, Pair, TestApp};
use crate::witness::sign_in;

const KEEP: &str = "https://cinema.example/account/sign-in";

async fn erase(app: &TestApp, pair: &Pair) -> jiff::Timestamp {
    let reply = app.client.post("/api/v1/me/erase").bearer(&pair.access).send().await.expect(202);
    reply.field("/erase_at").parse().unwrap()
}

async fn settle(app: &TestApp, email: &str, how: &str) {
    let flow = sign_in(app, email, PASSWORD).send().await.problem(403, "erasure_pending")["flow"].clone();
    let body = json!({ "flow": flow });
    app.client.post(&format!("/api/v1/auth/erasure/{how}")).json(&body).send().await.expect(204);
}

fn english(at: jiff::Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// The mail with this subject.
async fn mail(post: &Post, subject: &str) -> mail_catcher::CaughtMail {
    crate::support::until("the mail is caught", async || {
        post.catcher.mails().into_iter().rev().find(|mail| mail.subject == subject)
    })
    .await
}

#[tokio::test]
async fn each_names_the_day_and_those_before_the_end_lead_to_where_it_is_kept() {
    let post = start().await;
    let app = &post.app;
    let pair = proven(&post, NEO).await;

    let at = english(erase(app, &pair).await);
    let begun = mail(&post, "Your account will be erased").await;
    assert!(begun.text.contains(&at) && begun.text.contains(KEEP) && begun.html.contains(KEEP), "{begun:?}");
    settle(app, NEO, "keep").await;
    let kept = mail(&post, "Your account is kept").await;
    assert!(kept.text.contains(&at) && kept.text.contains(KEEP), "{kept:?}");

    // Another user, because a second notice of a kind within the hour waits for its end.
    let pair = proven(&post, OTHER).await;
    change(&post, "update auth.users set locale = 'ru'").await;
    let at = erase(app, &pair).await.to_zoned(jiff::tz::TimeZone::UTC);
    let begun = mail(&post, "Ваш аккаунт будет удалён").await;
    let (day, rest) = (at.strftime("%-d ").to_string(), at.strftime(" %Y, %H:%M UTC").to_string());
    assert!(
        begun.text.contains(&day) && begun.text.contains(&rest) && begun.text.contains(KEEP),
        "{begun:?}"
    );
    settle(app, OTHER, "erase-now").await;
    let done = mail(&post, "Ваш аккаунт удалён").await;
    assert!(done.text.contains(" UTC") && !done.text.contains("войдите"), "{done:?}");
}

#[tokio::test]
async fn advice_during_the_grace_names_the_day_and_contradicts_nothing() {
    let post = start().await;
    let app = &post.app;
    let pair = proven(&post, NEO).await;
    let at = english(erase(app, &pair).await);
    let body = json!({ "email": NEO });
    app.client.post("/api/v1/auth/password/forgot").json(&body).send().await.expect(202);
    let advice = mail(&post, "About your request for a new password").await;
    assert!(advice.text.contains(&at) && advice.text.contains(KEEP), "{advice:?}");
    // As the mail says: a code opens the way to keep the account.
    let asked = app.client.post("/api/v1/auth/mail-code").json(&body).send().await.expect(202);
    let code = code_in(&mail(&post, "Your code to sign in").await);
    let proof = json!({ "flow": asked.field("/flow"), "code": code });
    let call = app.client.post("/api/v1/auth/mail-code/login").json(&proof);
    call.send().await.problem(403, "erasure_pending");
}
