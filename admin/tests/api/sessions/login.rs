//! `POST /api/v1/auth/login`.

use std::time::{Duration, Instant};

use admin::passwords::{Party, Password};
use argon2::{Algorithm, Argon2, Params, Version};
use serde_json::{Value, json};

use crate::support::{PASSWORD, Reply, TestApp};
use crate::witness::{claims, sign_in, standing};

async fn login(app: &TestApp, body: &Value) -> Reply {
    app.client.post("/api/v1/auth/login").json(body).send().await
}

#[tokio::test]
async fn every_spelling_of_a_name_signs_in() {
    let app = TestApp::start().await;
    let body = json!({ "email": "Neo@Кино.рф", "login": "Neo_1", "password": PASSWORD });
    app.client.post("/api/v1/auth/register").json(&body).send().await.expect(201);
    for name in [
        json!({ "identifier": "neo@кино.рф" }),
        json!({ "identifier": "NEO@xn--h1adke.xn--p1ai" }),
        json!({ "identifier": "neo_1" }),
        json!({ "email": "neo@КИНО.РФ" }),
        json!({ "login": "NEO_1" }),
    ] {
        let mut body = name;
        body["password"] = json!(PASSWORD);
        login(&app, &body).await.pair();
    }
}

#[tokio::test]
async fn every_spelling_of_a_password_signs_in() {
    let app = TestApp::start().await;
    let body = json!({ "email": "neo@example.org", "password": "Не\u{439}тральный фильм 🎬" });
    app.client.post("/api/v1/auth/register").json(&body).send().await.expect(201);
    sign_in(&app, "neo@example.org", "Не\u{438}\u{306}тральный фильм 🎬").send().await.pair();
    sign_in(&app, "neo@example.org", "не\u{439}тральный фильм 🎬")
        .send()
        .await
        .problem(401, "invalid_credentials");
    sign_in(&app, "neo@example.org", "Не\u{439}тральный фильм 🎬 ")
        .send()
        .await
        .problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_pair_says_what_it_is() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let reply = sign_in(&app, "neo@example.org", PASSWORD).send().await.expect(200);
    assert_eq!(reply.header("cache-control"), "no-store");
    let body = reply.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(body["refresh_expires_in"], 30 * 24 * 3600);

    let pair = reply.pair();
    let claims = claims(&pair.access);
    assert_eq!((&claims["sid"], &claims["amr"]), (&json!(pair.session), &json!(["pwd"])));
    assert_eq!(claims["auth_time"], claims["iat"]);
    assert_eq!(claims["exp"].as_u64(), claims["iat"].as_u64().map(|iat| iat + 900));
    standing(&app, &pair.access).await;
}

#[tokio::test]
async fn refused_sign_ins_are_the_same_to_the_byte_and_cost_one_hash() {
    let app = TestApp::start().await;
    for email in ["wrong@example.org", "disabled@example.org", "social@example.org", "broken@example.org"] {
        app.client.register(email).await.expect(201);
    }
    let arrange = "update auth.users set status = 'disabled' where email_key = 'disabled@example.org';
                   update auth.users set password_hash = null where email_key = 'social@example.org';
                   update auth.users set password_hash = 'broken' where email_key = 'broken@example.org'";
    app.sql().await.batch_execute(arrange).await.unwrap();

    let (before, others) = app.context.hasher.computed();
    let mut answers = Vec::new();
    for (name, password) in [
        ("unknown@example.org", PASSWORD),
        ("unknown", PASSWORD),
        ("not an identifier", PASSWORD),
        ("@", PASSWORD),
        ("wrong@example.org", "wrong horse battery staple"),
        ("wrong@example.org", ""),
        ("wrong@example.org", &"long ".repeat(1000)),
        ("disabled@example.org", PASSWORD),
        ("disabled@example.org", "wrong horse battery staple"),
        ("social@example.org", PASSWORD),
        ("broken@example.org", PASSWORD),
    ] {
        let body = json!({ "identifier": name, "password": password });
        let call = app.client.post("/api/v1/auth/login").json(&body).header("x-request-id", "the-same");
        let mut reply = call.send().await;
        reply.headers.remove("date");
        answers.push((reply.status, format!("{:?}", reply.headers), reply.text));
        // One hash each time, of the same cost: every cause takes the same time.
        let hashes = before + u64::try_from(answers.len()).unwrap();
        assert_eq!(app.context.hasher.computed(), (hashes, others), "{name}");
    }
    assert!(answers[0].0 == 401 && answers[0].2.contains("invalid_credentials"), "{:?}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

#[tokio::test]
async fn a_sign_in_needs_exactly_one_name() {
    let app = TestApp::start().await;
    for body in [
        json!({ "password": PASSWORD }),
        json!({ "email": "neo@example.org" }),
        json!({ "email": "neo@example.org", "login": "neo", "password": PASSWORD }),
        json!({ "email": null, "password": PASSWORD }),
        json!({ "email": "neo@example.org", "password": null }),
        json!({ "email": "neo@example.org", "password": PASSWORD, "remember": true }),
        json!({ "email": "neo@example.org", "password": PASSWORD, "device_name": "" }),
        json!({ "email": "neo@example.org", "password": "a\u{0}b" }),
    ] {
        login(&app, &body).await.problem(422, "validation_failed");
    }
    let call = app.client.post("/api/v1/auth/login");
    call.raw_json(r#"{"email":"a@b.org","email":"c@d.org","password":"x"}"#)
        .send()
        .await
        .problem(400, "request_malformed");
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_says_when_to_come_back() {
    let app = TestApp::start_with(&[("ADMIN_HASH_THREADS", "1"), ("ADMIN_HASH_WAIT", "0s")]).await;
    app.client.register("neo@example.org").await.expect(201);
    let place = app.context.hasher.reserve(Party::Operator).unwrap();
    for email in ["neo@example.org", "unknown@example.org"] {
        sign_in(&app, email, PASSWORD).send().await.problem(503, "overloaded");
    }
    drop(place);
    app.client.sign_in("neo@example.org").await;
}

#[tokio::test]
async fn a_hash_with_old_parameters_is_made_anew() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    let sql = app.sql().await;
    sql.execute("update auth.users set password_hash = $1", &[&old_hash()]).await.unwrap();

    let pair = app.client.sign_in("neo@example.org").await;

    let stored: String = sql.query_one("select password_hash from auth.users", &[]).await.unwrap().get(0);
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    standing(&app, &pair.access).await;
    app.client.sign_in("neo@example.org").await;
}

/// As an earlier release with cheaper parameters would have stored [`PASSWORD`].
fn old_hash() -> String {
    let params = Params::new(1024, 1, 1, Some(32)).unwrap();
    let mut output = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(PASSWORD.as_bytes(), b"some salt of its", &mut output).unwrap();
    let output = argon2::password_hash::phc::Output::new(&output).unwrap();
    format!("$argon2id$v=19$m=1024,t=1,p=1$c29tZSBzYWx0IG9mIGl0cw${output}")
}

#[tokio::test]
async fn a_failure_takes_the_same_time_whatever_the_stored_hash_cost() {
    let app = TestApp::start().await;
    for email in ["cheap@example.org", "disabled@example.org"] {
        app.client.register(email).await.expect(201);
    }
    let sql = app.sql().await;
    sql.execute("update auth.users set password_hash = $1", &[&old_hash()]).await.unwrap();
    sql.batch_execute("update auth.users set status = 'disabled' where email_key = 'disabled@example.org'")
        .await
        .unwrap();
    // No hash with the usual parameters is computed meanwhile, so this time stays the same.
    let time = app.context.hasher.failure_time();
    assert!(time > Duration::from_millis(1), "{time:?}");
    for (email, password) in [
        ("cheap@example.org", "wrong horse battery staple"),
        ("disabled@example.org", "wrong horse battery staple"),
        ("disabled@example.org", PASSWORD),
    ] {
        let begun = Instant::now();
        sign_in(&app, email, password).send().await.problem(401, "invalid_credentials");
        assert!(begun.elapsed() >= time, "{email}");
    }
    assert_eq!(app.context.hasher.failure_time(), time);
}

#[tokio::test]
async fn failures_wait_for_the_slowest_scheme_that_is_stored() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    app.client.register("trinity@example.org").await.expect(201);
    let costly =
        "$argon2id$v=19$m=65536,t=3,p=1$c29tZSBzYWx0IG9mIGl0cw$c28gd2hhdGV2ZXIgd2FzIHR5cGVkIGhlcmUgaXMgd3I";
    let sql = app.sql().await;
    sql.execute("update auth.users set password_hash = $1 where email_key like 'neo%'", &[&costly])
        .await
        .unwrap();
    // An import may bring any number of schemes that come first in the order of their texts.
    let many = "insert into auth.users (id, login, login_key, password_hash)
                select gen_random_uuid(), 'user-' || n, 'user-' || n, '$argon2id$v=19$m=' || 1000 + n || ',t=1,p=1$c29tZSBzYWx0IG9mIGl0cw'
                from generate_series(1, 40) n";
    sql.batch_execute(many).await.unwrap();
    let replica = app.replica().await;
    assert_eq!(replica.context.hasher.computed(), (1, 0));
    let time = replica.context.hasher.failure_time();
    // Three passes over 65536 blocks instead of two over 19456, and 15 % in addition.
    assert_eq!((app.context.hasher.failure_percent(), replica.context.hasher.failure_percent()), (100, 581));
    let begun = Instant::now();
    sign_in(&replica, "unknown@example.org", PASSWORD).send().await.problem(401, "invalid_credentials");
    assert!(begun.elapsed() >= time);
}

#[tokio::test]
async fn concurrent_sign_ins_with_an_old_hash_all_succeed() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    app.sql().await.execute("update auth.users set password_hash = $1", &[&old_hash()]).await.unwrap();
    let calls = (0..6).map(|_| sign_in(&app, "neo@example.org", PASSWORD).send());
    for reply in futures_util::future::join_all(calls).await {
        standing(&app, &reply.pair().access).await;
    }
}

#[tokio::test]
async fn a_sign_in_gets_503_while_postgres_is_unavailable() {
    let database = crate::support::TestDatabase::migrated().await;
    let (proxy, url) = crate::support::Proxy::before(&database.url).unwrap();
    let mut app = TestApp::launch_on(crate::support::variables(&url, &crate::support::prefix())).await;
    app.await_ready().await;
    app.client.register("neo@example.org").await.expect(201);

    proxy.refuse();
    sign_in(&app, "neo@example.org", PASSWORD).send().await.problem(503, "dependency_unavailable");

    proxy.restore();
    crate::support::until("signing in works again", async || {
        (sign_in(&app, "neo@example.org", PASSWORD).send().await.status == 200).then_some(())
    })
    .await;
    app.stop().await.unwrap();
}

#[test]
fn a_password_in_a_body_is_not_printed_by_debug() {
    let password = Password::new(PASSWORD);
    assert!(!format!("{password:?}").contains("horse"));
}
