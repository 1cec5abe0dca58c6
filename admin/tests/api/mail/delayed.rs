//! Recoveries of accounts that are in use by their unproven address, which take effect after 72 hours unless a session
//! objects.

use serde_json::{Value, json};

use super::recovery::{NEO, NEW, change, forgot, reset, token};
use super::{Post, code_in};
use crate::support::{PASSWORD, Pair, Reply, TestApp};
use crate::witness::{assign, dead, items_of, sign_in, superuser, user_of};

/// What makes a recovery due.
const LATER: &str = "update auth.recoveries set effective_at = effective_at - interval '72 hours'";

async fn me(app: &TestApp, pair: &Pair) -> Value {
    app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200).json()
}

async fn kinds(app: &TestApp, pair: &Pair) -> Vec<String> {
    let list = app.client.get("/api/v1/me/notices").bearer(&pair.access).send().await.expect(200).json();
    items_of(&list).iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

async fn object(app: &TestApp, pair: &Pair) -> Reply {
    app.client.post("/api/v1/me/recovery/object").bearer(&pair.access).send().await
}

/// The token of the link of another mail to set a password.
async fn link(post: &Post) -> String {
    let links = || post.catcher.mails().into_iter().filter(|mail| mail.text.contains("/account/reset#"));
    let before = links().count();
    forgot(&post.app, NEO).await.expect(202);
    crate::support::until("a mail with a link is caught", async || {
        links().nth(before).map(|mail| token(&mail))
    })
    .await
}

/// A signed-in user whose address is not proven, and a recovery of the account by its link.
async fn begun() -> (Post, Pair) {
    let post = Post::start().await;
    let pair = post.app.client.new_user(NEO).await;
    let link = link(&post).await;
    let problem = reset(&post.app, &link, NEW).await.problem(409, "recovery_delayed");
    assert!(problem["detail"].as_str().unwrap().contains("takes effect at"), "{problem}");
    (post, pair)
}

#[tokio::test]
async fn an_account_in_use_is_recovered_after_72_hours_by_another_link() {
    let (post, pair) = begun().await;
    let app = &post.app;
    // Every session sees it, and it is mailed.
    assert!(me(app, &pair).await["recovery_at"].is_string());
    assert!(kinds(app, &pair).await.contains(&"recovery_begun".to_owned()));
    crate::support::until("the notice is mailed", async || {
        post.catcher.mails().into_iter().find(|mail| mail.subject == "Your account is being recovered")
    })
    .await;
    sign_in(app, NEO, PASSWORD).send().await.pair();
    // Again within the 72 hours: nothing new.
    let until = me(app, &pair).await["recovery_at"].clone();
    reset(app, &link(&post).await, NEW).await.problem(409, "recovery_delayed");
    assert_eq!(me(app, &pair).await["recovery_at"], until);

    change(app, LATER).await;
    reset(app, &link(&post).await, NEW).await.expect(204);

    dead(app, &pair.access).await;
    let owner = sign_in(app, NEO, NEW).send().await.pair();
    assert_eq!(user_of(&owner), user_of(&pair));
    let me = me(app, &owner).await;
    assert_eq!((&me["email_verified"], &me["recovery_at"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn a_session_objects_and_for_30_days_no_other_recovery_begins() {
    let (post, pair) = begun().await;
    let app = &post.app;
    object(app, &pair).await.expect(204);
    object(app, &pair).await.problem(404, "not_found");
    assert_eq!(me(app, &pair).await["recovery_at"], Value::Null);
    assert!(kinds(app, &pair).await.contains(&"recovery_objected".to_owned()));
    change(app, LATER).await;

    let stopped = post.catcher.mails().len();
    forgot(app, NEO).await.expect(202);
    crate::support::until("the advice is mailed", async || {
        let mails = post.catcher.mails();
        mails.into_iter().find(|mail| mail.subject == "About your request for a new password")
    })
    .await;
    assert!(post.catcher.mails().len() > stopped);
    sign_in(app, NEO, PASSWORD).send().await.pair();

    change(app, "update auth.recoveries set objected_at = objected_at - interval '30 days'").await;
    reset(app, &link(&post).await, NEW).await.problem(409, "recovery_delayed");
}

#[tokio::test]
async fn an_objection_within_the_life_of_a_link_counts() {
    let post = Post::start().await;
    let pair = post.app.client.new_user(NEO).await;
    let (first, second) = (link(&post).await, link(&post).await);
    reset(&post.app, &first, NEW).await.problem(409, "recovery_delayed");
    object(&post.app, &pair).await.expect(204);
    change(&post.app, LATER).await;
    reset(&post.app, &second, NEW).await.problem(410, "code_expired");
    sign_in(&post.app, NEO, PASSWORD).send().await.pair();
}

#[tokio::test]
async fn it_must_be_completed_within_seven_days() {
    let (post, _) = begun().await;
    change(&post.app, "update auth.recoveries set effective_at = effective_at - interval '11 days'").await;
    reset(&post.app, &link(&post).await, NEW).await.problem(409, "recovery_delayed");
    sign_in(&post.app, NEO, PASSWORD).send().await.pair();
}

#[tokio::test]
async fn an_eviction_makes_it_void() {
    let (post, pair) = begun().await;
    let root = superuser(&post.app).await;
    let path = format!("/api/v1/admin/users/{}/evict", user_of(&pair));
    post.app.client.post(&path).bearer(&root.access).send().await.expect(200);
    let pair = sign_in(&post.app, NEO, PASSWORD).send().await.pair();
    assert_eq!(me(&post.app, &pair).await["recovery_at"], Value::Null);
    change(&post.app, LATER).await;
    reset(&post.app, &link(&post).await, NEW).await.problem(409, "recovery_delayed");
}

#[tokio::test]
async fn a_registration_with_the_answer_mine_is_delayed_in_the_same_way() {
    let post = super::registration::start().await;
    let open = super::registration::open_replica(&post).await;
    let app = &post.app;
    let pair = open.client.new_user("neo@example.org").await;
    // A role alone is a use, too.
    assign(app, "neo@example.org", "subscriber").await;
    change(app, "update auth.sessions set last_used_at = last_used_at - interval '31 days'").await;
    let mine = async || {
        let before = post.catcher.mails().iter().filter(|mail| mail.text.contains("Code: ")).count();
        let flow = super::registration::ask(app, "neo@example.org").await;
        let code = crate::support::until("a code is caught", async || {
            post.catcher.mails().into_iter().filter(|mail| mail.text.contains("Code: ")).nth(before)
        })
        .await;
        let body = json!({ "flow": flow, "code": code_in(&code), "password": NEW, "account": "mine" });
        super::registration::verify(app, &body).await
    };
    mine().await.problem(409, "recovery_delayed");
    sign_in(app, "neo@example.org", NEW).send().await.problem(401, "invalid_credentials");
    change(app, LATER).await;
    let owner = mine().await.pair();
    assert_eq!(user_of(&owner), user_of(&pair));
    assert_eq!(crate::witness::roles_of(&owner.access), ["subscriber"]);
}
