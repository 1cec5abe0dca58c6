//! Where problems are provoked.

use mail_catcher::CatcherOptions;
use mock_providers::Provider;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::NEO;
use crate::mail::{Post, code_in};
use crate::pages::visitor::Visitor;
use crate::support::{Call, Cinema, PASSWORD, Pair, Reply, TestApp, answers, until, until_closed};
use crate::witness::{make_role, superuser, user_of};

/// A service with a superuser and a user without rights.
pub(super) struct Scene {
    pub(super) app: TestApp,
    pub(super) root: Pair,
    pub(super) neo: Pair,
}

impl Scene {
    pub(super) async fn new() -> Self {
        // One hashing slot.
        let app = TestApp::start_with(&[("ADMIN_HASH_THREADS", "1"), ("ADMIN_HASH_WAIT", "0s")]).await;
        let root = superuser(&app).await;
        let neo = app.client.new_user(NEO).await;
        make_role(&app, "a", &["films:watch"], &[]).await;
        Self { app, root, neo }
    }

    pub(super) fn as_root(&self, method: Method, path: &str) -> Call {
        self.app.client.call(method, path).bearer(&self.root.access)
    }

    pub(super) fn as_neo(&self, method: Method, path: &str) -> Call {
        self.app.client.call(method, path).bearer(&self.neo.access)
    }

    pub(super) async fn sql(&self, text: &str) {
        self.app.sql().await.batch_execute(text).await.expect("the statement is good");
    }

    pub(super) async fn freeze_neo(&self) {
        self.sql(
            "insert into auth.email_changes (user_id, email, email_key, token_hash, device_epoch, undo_until, frozen_until)
             select id, 'a@b.test', 'a@b.test', sha256('a'), 0, clock_timestamp(), '2126-11-28T20:15:30.123456Z'
             from auth.users where email_key = 'neo@example.org'",
        )
        .await;
    }

    pub(super) async fn register(&self, body: &Value) -> Reply {
        self.app.client.post("/api/v1/auth/register").json(body).send().await
    }

    pub(super) async fn new_role(&self, body: Value) -> Reply {
        self.as_root(Method::POST, "/api/v1/roles").json(&body).send().await
    }
}

pub(super) fn superuser_of(pair: &Pair) -> String {
    format!("/api/v1/admin/users/{}/superuser", user_of(pair))
}

/// An expired access token with a life of one second.
pub(super) async fn expired_token() -> Reply {
    let app = TestApp::start_with(&[("ADMIN_ACCESS_TOKEN_LIFE", "1s")]).await;
    let pair = app.client.new_user(NEO).await;
    until("the token expires", async || {
        let reply = app.client.get("/api/v1/me").bearer(&pair.access).send().await;
        (reply.status == 401).then_some(reply)
    })
    .await
}

/// A body whose last byte is never sent.
pub(super) async fn slow_body(base: &str) -> Reply {
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n{}";
    stream.write_all(head.as_bytes()).await.expect("it reads");
    until_closed(stream).await.pop().expect("it answers")
}

/// The answer to a head with this path and header.
pub(super) async fn raw(app: &TestApp, path: &str, header: &str) -> Reply {
    let address = app.client.base().trim_start_matches("http://");
    let stream = TcpStream::connect(address).await.expect("it listens");
    let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nx: {header}\r\n\r\n");
    answers(stream, head.as_bytes()).await.pop().expect("it answers")
}

/// A registration with an address that an account has, but never proved.
pub(super) async fn register_typed_address() -> Reply {
    let post = Post::start_with(CatcherOptions::default(), &[("ADMIN_REGISTRATION", "verify")]).await;
    let insert = "insert into auth.users (id, email, email_key) values (gen_random_uuid(), $1, $1)";
    post.app.sql().await.execute(insert, &[&NEO]).await.expect("the user is made");
    let asked = post.app.client.post("/api/v1/auth/register").json(&json!({ "email": NEO }));
    let flow = asked.send().await.expect(202).field("/flow");
    let code = code_in(&post.next_mail(NEO, 0).await);
    let body = json!({ "flow": flow, "code": code, "password": PASSWORD });
    post.app.client.post("/api/v1/auth/email/verify").json(&body).send().await
}

/// A link to set the password of an account in use, whose address was never proved.
pub(super) async fn recover_account_in_use() -> Reply {
    let post = Post::start().await;
    post.app.client.new_user(NEO).await;
    let asked = post.app.client.post("/api/v1/auth/password/forgot").json(&json!({ "email": NEO }));
    asked.send().await.expect(202);
    let mail = post.next_mail(NEO, 0).await;
    let (_, rest) = mail.text.split_once("/account/reset#").expect("a link");
    let token: String = rest.chars().take_while(|letter| !letter.is_whitespace()).collect();
    let body = json!({ "token": token, "new_password": "another horse, another battery" });
    post.app.client.post("/api/v1/auth/password/reset").json(&body).send().await
}

/// The proof of an address that another account has proven.
pub(super) use crate::mail::prove_address_of_another_account;

/// A viewer who must prove who acts comes back from the provider as another person.
pub(super) async fn prove_as_another() -> Reply {
    let cinema = Cinema::start().await;
    cinema.add_person(Provider::GitHub, "bob", Some("bob@example.org"), true);
    let mut visitor = Visitor::of_cinema(&cinema);
    visitor.sign_in_through("github", "anna").await;
    visitor.open("/account/").await.expect(200);
    let fields = [("choice", "provider:github"), ("return_to", "/account/data")];
    visitor.submit("/account/proof", &fields).await.expect(200);
    let back = cinema.browser().choose(&visitor.way_on().parse().expect("an address"), "bob").await;
    let query = back.split_once('?').expect("a query").1;
    let answer: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let of = |wanted: &str| answer.iter().find(|(name, _)| name == wanted).expect("a parameter").1.clone();
    let body = json!({ "state": of("state"), "code": of("code") });
    let call = visitor.call_plain(Method::POST, "/api/v1/oauth/github/callback");
    call.header("accept", "application/json").json(&body).send().await
}
