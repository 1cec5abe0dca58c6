//! The first master key changes between two attempts to send one mail: the person gets the same link and the same code.

use mail_catcher::Fault;
use serde_json::json;

use super::recovery::{NEO, NEW, forgot, proven, reset, token};
use super::{Post, code_in};
use crate::support::{TestApp, until};
use crate::witness::sign_in;

/// Stops the service while its only mail waits for another attempt, and starts one with another first master key.
async fn rotated(post: &mut Post) -> TestApp {
    post.until_postponed().await;
    post.mails(1).await;
    post.app.stop().await.unwrap();
    post.catcher.set_fault(None);
    let mut vars = post.app.vars.clone();
    let keys = format!("2:m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=,{}", vars["ADMIN_MASTER_KEYS"]);
    vars.insert("ADMIN_MASTER_KEYS", keys);
    let app = TestApp::launch_on(vars).await;
    app.await_ready().await;
    post.retry().await;
    app
}

#[tokio::test]
async fn a_link_stays_the_same() {
    let mut post = Post::start().await;
    proven(&post).await;
    post.catcher.set_fault(Some(Fault::HangUpAfterContent));
    forgot(&post.app, NEO).await.expect(202);
    let app = rotated(&mut post).await;
    let mails = post.mails(2).await;
    assert_eq!(token(&mails[0]), token(&mails[1]));
    reset(&app, &token(&mails[0]), NEW).await.expect(204);
    sign_in(&app, NEO, NEW).send().await.pair();
}

#[tokio::test]
async fn a_code_stays_the_same() {
    let mut post = Post::start().await;
    proven(&post).await;
    post.catcher.set_fault(Some(Fault::HangUpAfterContent));
    let asked = post.app.client.post("/api/v1/auth/mail-code").json(&json!({ "email": NEO }));
    let flow = asked.send().await.expect(202).field("/flow");
    let app = rotated(&mut post).await;
    let mails = post.mails(2).await;
    assert_eq!(code_in(&mails[0]), code_in(&mails[1]));
    let body = json!({ "flow": flow, "code": code_in(&mails[0]) });
    let entered = until("the code is stored", async || {
        let reply = app.client.post("/api/v1/auth/mail-code/login").json(&body).send().await;
        (reply.status == 200).then_some(reply)
    })
    .await;
    entered.pair();
}
