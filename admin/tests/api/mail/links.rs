//! Links that were made void, that are late, or whose user has changed meanwhile.

use serde_json::json;

use super::recovery::{NEO, NEW, change, forgot, proven, reset, token};
use super::{Post, SHORT};
use crate::support::{PASSWORD, Pair, TestApp};
use crate::witness::{sign_in, superuser, user_of};

/// Orders a link as a superuser.
async fn order(app: &TestApp, of: &Pair) -> crate::support::Reply {
    let path = format!("/api/v1/admin/users/{}/send-reset", user_of(of));
    let call = app.client.post(&path).bearer(&superuser(app).await.access);
    call.json(&json!({ "reason": "Asked by telephone." })).send().await
}

#[tokio::test]
async fn a_void_link_stays_void_when_its_mail_is_sent_again() {
    let post = Post::start().await;
    let pair = proven(&post).await;
    post.catcher.set_fault(Some(mail_catcher::Fault::HangUpAfterContent));
    forgot(&post.app, NEO).await.expect(202);
    post.until_postponed().await;
    let first = token(&post.mails(1).await[0]);
    let path = format!("/api/v1/admin/users/{}/evict", user_of(&pair));
    post.app.client.post(&path).bearer(&superuser(&post.app).await.access).send().await.expect(200);
    post.catcher.set_fault(None);
    post.retry().await;
    post.until_count("true", 0).await;
    reset(&post.app, &first, NEW).await.problem(410, "code_expired");
    let links = post.catcher.mails().iter().filter(|mail| mail.subject == "Set a new password").count();
    assert_eq!(links, 1, "no dead link is sent");
}

#[tokio::test]
async fn a_link_lives_from_when_its_mail_is_sent() {
    let post = Post::start_with(mail_catcher::CatcherOptions::default(), &[SHORT]).await;
    let pair = proven(&post).await;
    post.catcher.set_fault(Some(mail_catcher::Fault::HangUpAfterContent));
    order(&post.app, &pair).await.expect(202);
    post.until_postponed().await;
    change(&post.app, "update auth.account_links set expires_at = clock_timestamp()").await;
    post.catcher.set_fault(None);
    post.retry().await;
    let mails = post.mails(2).await;
    reset(&post.app, &token(&mails[1]), NEW).await.expect(204);
}

#[tokio::test]
async fn a_link_does_not_outlive_a_gain_of_rights() {
    let post = Post::start().await;
    let pair = proven(&post).await;
    order(&post.app, &pair).await.expect(202);
    let older = token(&post.mails(1).await[0]);
    change(&post.app, &format!("update auth.users set is_superuser = true where id = '{}'", user_of(&pair)))
        .await;
    reset(&post.app, &older, NEW).await.problem(410, "code_expired");
    order(&post.app, &pair).await.expect(202);
    let newer = token(&post.mails(2).await[1]);
    reset(&post.app, &newer, NEW).await.expect(204);
}

#[tokio::test]
async fn the_unproven_address_of_an_operator_gets_no_link() {
    let post = Post::start().await;
    let root = superuser(&post.app).await;
    let refused = order(&post.app, &root).await.problem(422, "validation_failed");
    assert!(refused["detail"].as_str().unwrap().contains("--print"), "{refused}");
    post.until_count("true", 0).await;
    assert!(post.catcher.mails().is_empty());
}

#[tokio::test]
async fn an_account_that_is_used_after_the_mail_is_not_lost_to_a_mistyped_address() {
    let post = Post::start().await;
    post.app.client.register(NEO).await.expect(201);
    forgot(&post.app, NEO).await.expect(202);
    let stranger = token(&post.mails(1).await[0]);
    sign_in(&post.app, NEO, PASSWORD).send().await.pair();
    reset(&post.app, &stranger, NEW).await.problem(409, "recovery_delayed");
    sign_in(&post.app, NEO, PASSWORD).send().await.pair();
}

/// Fills the outbox with requests that are never due.
async fn fill(post: &Post, count: u32) {
    let sql = format!(
        "insert into auth.mail_outbox (id, kind, mailbox, recipient, parameters, not_after, next_attempt_at)
         select gen_random_uuid(), 'reset_requested', '\\x00000000000000000000000000000000', '', '', 'infinity', 'infinity'
         from generate_series(1, {count})"
    );
    change(&post.app, &sql).await;
}

#[tokio::test]
async fn an_order_is_refused_while_the_outbox_is_full_and_changes_nothing() {
    let post = Post::start().await;
    let root = superuser(&post.app).await;
    fill(&post, 100_000).await;
    let body = json!({ "email": NEO, "reason": "New colleague." });
    let invite = post.app.client.post("/api/v1/admin/users").bearer(&root.access).json(&body);
    invite.send().await.problem(503, "overloaded");
    sign_in(&post.app, NEO, NEW).send().await.problem(401, "invalid_credentials");
    let users = "select count(*) from auth.users";
    assert_eq!(post.app.sql().await.query_one(users, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn requests_of_strangers_take_no_room_of_notices_and_orders() {
    let post = Post::start().await;
    fill(&post, 10_000).await;
    // The usual answer, but nothing is queued.
    forgot(&post.app, NEO).await.expect(202);
    post.until_count("kind = 'reset_requested'", 10_000).await;
    let pair = post.app.client.new_user(NEO).await;
    crate::witness::change_password(&post.app, &pair.access, NEW).send().await.pair();
    post.mails(1).await;
}

/// From a right to all rights: by the routes, which make links void.
#[tokio::test]
async fn a_link_of_an_operator_does_not_outlive_a_further_gain() {
    let post = Post::start().await;
    let pair = proven(&post).await;
    crate::witness::make_role(&post.app, "helper", &["sessions:read"], &[]).await;
    crate::witness::assign(&post.app, "neo@example.org", "helper").await;
    order(&post.app, &pair).await.expect(202);
    let older = token(&post.mails(1).await[0]);
    let path = format!("/api/v1/admin/users/{}/superuser", user_of(&pair));
    post.app.client.put(&path).bearer(&superuser(&post.app).await.access).send().await.expect(204);
    reset(&post.app, &older, NEW).await.problem(410, "code_expired");
}

/// A stranger has used up the attempts with the name before.
#[tokio::test]
async fn after_a_reset_its_client_can_sign_in_whatever_strangers_try() {
    let post = Post::start().await;
    proven(&post).await;
    forgot(&post.app, NEO).await.expect(202);
    let token = token(&post.mails(1).await[0]);
    for number in 0..12 {
        let call = sign_in(&post.app, NEO, "wrong").header("x-forwarded-for", &format!("203.0.113.{number}"));
        call.send().await;
    }
    let mine = "198.51.100.7";
    let body = json!({ "token": token, "new_password": NEW });
    let call = post.app.client.post("/api/v1/auth/password/reset").json(&body);
    call.header("x-forwarded-for", mine).send().await.expect(204);
    sign_in(&post.app, NEO, NEW)
        .header("x-forwarded-for", "192.0.2.99")
        .send()
        .await
        .problem(429, "too_many_attempts");
    sign_in(&post.app, NEO, NEW).header("x-forwarded-for", mine).send().await.pair();
}
