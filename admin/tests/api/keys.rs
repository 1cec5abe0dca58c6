//! The life of signing keys, as seen by clients, sidecars and operators.

use serde_json::Value;
use shared::revocation::{Kind, RecordKey, Until};

use crate::support::{Command, ISSUER, TestApp, until};

async fn kids(app: &TestApp) -> Vec<String> {
    let jwks = app.client.get("/.well-known/jwks.json").send().await.expect(200).json();
    let kid = |key: &Value| key["kid"].as_str().expect("a kid").to_owned();
    jwks["keys"].as_array().expect("keys").iter().map(kid).collect()
}

/// The key with this status.
async fn key(app: &TestApp, status: &str) -> String {
    let holder = "select kid from auth.signing_keys where status = $1";
    app.sql().await.query_one(holder, &[&status]).await.expect("one").get(0)
}

/// The name of the key that signed a token.
fn signer(token: &str) -> String {
    use base64::Engine as _;
    let header = token.split('.').next().expect("a header");
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    assert_eq!((&header["alg"], &header["typ"]), (&"EdDSA".into(), &"at+jwt".into()));
    header["kid"].as_str().expect("a kid").to_owned()
}

#[tokio::test]
async fn the_first_start_publishes_an_active_key_and_the_next() {
    let app = TestApp::start().await;
    let reply = app.client.get("/.well-known/jwks.json").send().await.expect(200);
    assert_eq!(reply.header("content-type"), "application/jwk-set+json");
    assert_eq!(reply.header("cache-control"), "public, max-age=30");
    assert_eq!(kids(&app).await, [key(&app, "active").await, key(&app, "next").await]);
    for key in reply.json()["keys"].as_array().expect("keys") {
        let mut members: Vec<_> = key.as_object().expect("an object").keys().collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
    }
}

#[tokio::test]
async fn replicas_that_start_at_once_agree_on_the_keys() {
    let app = TestApp::launch(&[]).await;
    let other = TestApp::launch_on(app.vars.clone()).await;
    app.await_ready().await;
    other.await_ready().await;
    assert_eq!(kids(&app).await, kids(&other).await);
    assert_eq!(kids(&app).await.len(), 2);
}

#[tokio::test]
async fn a_key_that_was_not_published_long_enough_does_not_sign_unless_forced() {
    let app = TestApp::start().await;
    let (active, next) = (key(&app, "active").await, key(&app, "next").await);

    let refused = Command::new(&app.vars, &["keys", "rotate"]).run().await;
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("try again in") && refused.err.contains("--force"), "{}", refused.err);
    assert_eq!(key(&app, "active").await, active);

    Command::new(&app.vars, &["keys", "rotate", "--force"]).run().await.succeeded();
    assert_eq!(key(&app, "active").await, next);
    assert_eq!(key(&app, "retired").await, active);
}

#[tokio::test]
async fn running_replicas_follow_a_rotation_and_old_tokens_stay_valid() {
    let app = TestApp::start_with(&[("ADMIN_KEY_PUBLICATION", "1s")]).await;
    let other = app.replica().await;
    let pair = app.client.new_user("viewer@cinema.test").await;
    assert_eq!(signer(&pair.access), key(&app, "active").await);
    let published = "update auth.signing_keys set published_at = published_at - interval '2 seconds'";
    app.sql().await.batch_execute(published).await.unwrap();

    Command::new(&app.vars, &["keys", "rotate"]).run().await.succeeded();

    let active = key(&app, "active").await;
    for replica in [&app, &other] {
        until("it signs with the new key", async || {
            let pair = replica.client.sign_in("viewer@cinema.test").await;
            (signer(&pair.access) == active).then_some(())
        })
        .await;
        replica.client.get("/api/v1/me").bearer(&pair.access).send().await.expect(200);
        assert_eq!(kids(replica).await.len(), 3);
    }
}

#[tokio::test]
async fn a_retired_key_leaves_the_jwks_when_its_tokens_are_over() {
    let app = TestApp::start().await;
    let old = key(&app, "active").await;
    Command::new(&app.vars, &["keys", "rotate", "--force"]).run().await.succeeded();
    until("the new key is published", async || (kids(&app).await.len() == 3).then_some(())).await;
    let retire = |ago: &str| {
        format!(
            "update auth.signing_keys set retired_at = now() - interval '{ago}' where status = 'retired';
             notify usher_signing_keys"
        )
    };

    // Tokens live for 15 minutes here, and 5 minutes are added.
    app.sql().await.batch_execute(&retire("19 minutes")).await.unwrap();
    assert!(kids(&app).await.contains(&old));
    app.sql().await.batch_execute(&retire("21 minutes")).await.unwrap();
    until("the old key is gone", async || (!kids(&app).await.contains(&old)).then_some(())).await;
}

#[tokio::test]
async fn a_killed_key_leaves_the_jwks_and_its_tokens_are_refused_for_ever() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("viewer@cinema.test").await;
    let (old, next) = (key(&app, "active").await, key(&app, "next").await);

    Command::new(&app.vars, &["keys", "kill", &old]).run().await.succeeded();

    let record = until("the kill is published", async || {
        app.log.entries().await.into_iter().map(|(_, record)| record).find(|record| record.kind == Kind::Key)
    })
    .await;
    assert_eq!(record.key, RecordKey::new(ISSUER, Kind::Key, &old));
    assert_eq!(record.until, Until::Never);
    until("it left the JWKS", async || (!kids(&app).await.contains(&old)).then_some(())).await;
    assert_eq!(key(&app, "active").await, next);
    app.client.get("/api/v1/me").bearer(&pair.access).send().await.problem(401, "token_invalid");
    let pair = app.client.sign_in("viewer@cinema.test").await;
    assert_eq!(signer(&pair.access), next);
}

#[tokio::test]
async fn killing_an_unknown_or_killed_key_is_an_error() {
    let app = TestApp::start().await;
    let unknown = Command::new(&app.vars, &["keys", "kill", "unknown"]).run().await;
    assert!(unknown.code == 1 && unknown.err.contains("admin keys list"), "{}", unknown.err);

    let next = key(&app, "next").await;
    Command::new(&app.vars, &["keys", "kill", &next]).run().await.succeeded();
    assert_ne!(key(&app, "next").await, next);
    let again = Command::new(&app.vars, &["keys", "kill", &next]).run().await;
    assert!(again.code == 1 && again.err.contains("already been killed"), "{}", again.err);
}

#[tokio::test]
async fn keys_are_listed_with_their_status() {
    let app = TestApp::start().await;
    let listed = Command::new(&app.vars, &["keys", "list"]).run().await.succeeded();
    for status in ["active", "next"] {
        let kid = key(&app, status).await;
        assert!(listed.lines().any(|line| line.contains(&kid) && line.contains(status)), "{listed}");
    }
}

#[tokio::test]
async fn a_service_without_the_master_key_says_which_one_is_missing() {
    let app = TestApp::start().await;
    let mut vars = app.vars.clone();
    let other = "2:m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=";
    vars.insert("ADMIN_MASTER_KEYS", other.to_owned());
    let mut stranger = TestApp::launch_on(vars).await;
    let why = stranger.ended().await.unwrap_err();
    assert!(why.contains("master key 1") && why.contains("ADMIN_MASTER_KEYS"), "{why}");
}

#[tokio::test]
async fn a_key_whose_name_begins_with_a_hyphen_can_be_killed() {
    let app = TestApp::start().await;
    let named = "update auth.signing_keys set kid = '-Rotterdam' where status = 'active'";
    app.sql().await.batch_execute(named).await.unwrap();
    Command::new(&app.vars, &["keys", "kill", "-Rotterdam"]).run().await.succeeded();
    assert_eq!(key(&app, "killed").await, "-Rotterdam");

    let unknown = Command::new(&app.vars, &["keys", "kill", "--force"]).run().await;
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("--force"), "{}", unknown.err);
}

#[tokio::test]
async fn a_kill_counts_at_once_where_the_key_that_follows_cannot_be_opened() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("viewer@cinema.test").await;
    // The operator's command seals with a master key that the replica does not have.
    let mut vars = app.vars.clone();
    let other = "2:m1YGbnayZpMvJZfqMoxh0ikvjiudpTrf/SsjrIbUagE=";
    vars.insert("ADMIN_MASTER_KEYS", other.to_owned());
    for _ in 0..2 {
        let active = key(&app, "active").await;
        Command::new(&vars, &["keys", "kill", &active]).run().await.succeeded();
    }

    let published = [key(&app, "active").await, key(&app, "next").await];
    until("only keys that were not killed are published", async || {
        (kids(&app).await == published).then_some(())
    })
    .await;

    app.client.get("/api/v1/me").bearer(&pair.access).send().await.problem(401, "token_invalid");
    let body = serde_json::json!({ "email": "viewer@cinema.test", "password": crate::support::PASSWORD });
    app.client.post("/api/v1/auth/login").json(&body).send().await.problem(503, "dependency_unavailable");
    let ready = app.ops.get("/health/ready").send().await.expect(503);
    assert_eq!(ready.json()["reasons"][0]["code"], "signing_key");
}
