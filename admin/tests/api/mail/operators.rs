//! Links that operators send, by the API and by commands.

use mail_catcher::CaughtMail;
use reqwest::Method;
use serde_json::{Value, json};

use super::Post;
use crate::support::{Command, PASSWORD, Reply, TestApp, Vars};
use crate::witness::{dead, sign_in, superuser, user_of};

const NEO: &str = "neo@example.org";
const NEW: &str = "another horse, another battery";

async fn order(post: &Post, method: Method, path: &str, body: &Value) -> Reply {
    let root = superuser(&post.app).await;
    post.app.client.call(method, path).bearer(&root.access).json(body).send().await
}

/// The mail to this address with this subject.
async fn mail(post: &Post, to: &str, subject: &str) -> CaughtMail {
    crate::support::until("the mail is caught", async || {
        post.catcher.mails().into_iter().find(|mail| mail.to == [to] && mail.subject == subject)
    })
    .await
}

async fn use_link(post: &Post, mail: &CaughtMail) {
    let (_, rest) = mail.text.split_once("/account/reset#").expect("a link");
    let token: String = rest.chars().take_while(|letter| !letter.is_whitespace()).collect();
    let body = json!({ "token": token, "new_password": NEW });
    post.app.client.post("/api/v1/auth/password/reset").json(&body).send().await.expect(204);
    let kept = "select count(*) from auth.audit_log where strpos(detail::text, $1) > 0";
    let kept = post.app.sql().await.query_one(kept, &[&token]).await.unwrap();
    assert_eq!(kept.get::<_, i64>(0), 0, "the audit log has no link");
}

#[tokio::test]
async fn an_operator_sends_a_link_and_nothing_changes_until_it_is_used() {
    let post = Post::start().await;
    let pair = post.app.client.new_user(NEO).await;
    let path = format!("/api/v1/admin/users/{}/send-reset", user_of(&pair));
    let reply =
        order(&post, Method::POST, &path, &json!({ "reason": "Asked by telephone." })).await.expect(202);
    assert!(reply.text.is_empty(), "no route returns a link");
    let mail = mail(&post, NEO, "Set a new password").await;
    post.app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200);
    use_link(&post, &mail).await;
    dead(&post.app, &pair.access).await;
    sign_in(&post.app, NEO, NEW).send().await.pair();
    let audited = "select texts ->> 'reason' from auth.audit_log where action = 'reset_ordered'";
    let row = post.app.sql().await.query_one(audited, &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "Asked by telephone.");
}

#[tokio::test]
async fn an_invited_user_sets_the_first_password_and_proves_the_address() {
    let post = Post::start().await;
    let root = superuser(&post.app).await;
    // Another replica, where registration is closed.
    let mut vars = post.app.vars.clone();
    vars.insert("ADMIN_REGISTRATION", "closed".to_owned());
    let closed = TestApp::launch_on(vars).await;
    closed.await_ready().await;
    let body = json!({ "email": NEO, "reason": "New colleague." });
    let invite = closed.client.post("/api/v1/admin/users").bearer(&root.access).json(&body);
    invite.send().await.expect(201);
    sign_in(&post.app, NEO, NEW).send().await.problem(401, "invalid_credentials");
    use_link(&post, &mail(&post, NEO, "Your new account").await).await;
    let pair = sign_in(&post.app, NEO, NEW).send().await.pair();
    let me = post.app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200).json();
    assert_eq!(me["email_verified"], true);
    let again = post.app.client.post("/api/v1/admin/users").bearer(&root.access).json(&body);
    again.send().await.problem(409, "email_taken");
}

#[tokio::test]
async fn a_set_address_is_unproven_ends_the_sessions_and_the_one_before_is_told() {
    let post = Post::start().await;
    let pair = post.app.client.new_user(NEO).await;
    let verify = "update auth.users set verified_email_key = email_key";
    post.app.sql().await.batch_execute(verify).await.unwrap();
    let path = format!("/api/v1/admin/users/{}/email", user_of(&pair));
    let body = json!({ "email": "thomas@example.org", "reason": "Lost the mailbox." });
    order(&post, Method::PUT, &path, &body).await.expect(204);
    mail(&post, NEO, "The e-mail address of your account was changed").await;
    mail(&post, "thomas@example.org", "Your e-mail address was set by the support").await;
    dead(&post.app, &pair.access).await;
    let pair = sign_in(&post.app, "thomas@example.org", PASSWORD).send().await.pair();
    let me = post.app.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200).json();
    assert_eq!(me["email_verified"], false);
}

#[tokio::test]
async fn the_commands_do_the_same_and_print_a_link_on_a_terminal_only() {
    let post = Post::start().await;
    post.app.client.register(NEO).await.expect(201);
    let vars: &Vars = &post.app.vars;
    let why = ["--reason", "Asked by telephone."];
    let run = async |args: &[&str]| Command::new(vars, &[&["users"], args, &why[..]].concat()).run().await;
    run(&["send-reset", NEO]).await.succeeded();
    use_link(&post, &mail(&post, NEO, "Set a new password").await).await;
    run(&["invite", "boris@example.org"]).await.succeeded();
    mail(&post, "boris@example.org", "Your new account").await;
    run(&["set-email", NEO, "thomas@example.org"]).await.succeeded();
    sign_in(&post.app, "thomas@example.org", NEW).send().await.pair();

    for args in
        [&["send-reset", "thomas@example.org", "--print"][..], &["invite", "c@example.org", "--print"]]
    {
        let refused = run(args).await;
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
        assert!(refused.err.contains("on a terminal"), "{refused:?}");
    }
    let mut without = vars.clone();
    without.remove("ADMIN_MAIL_URL");
    let refused =
        Command::new(&without, &["users", "send-reset", "thomas@example.org", "--reason", "x"]).run().await;
    assert!(refused.code == 1 && refused.err.contains("sends no mail"), "{refused:?}");
}
