//! Every route that takes a password has its limit, and none is a way round the limit of another.

use std::time::Duration;

use futures_util::future::join_all;
use mock_providers::Provider;
use serde_json::{Value, json};

use super::{STRANGER, forget_networks, guess, login_from, refused};
use crate::support::{Browser, Call, Cinema, PASSWORD, TestApp};

const NEO: &str = "neo@example.org";
const WRONG: &str = "not the password";

#[tokio::test]
async fn after_ten_failures_a_stranger_is_refused_also_with_the_right_password() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    app.begin_window(Duration::from_mins(10));
    guess(&app, STRANGER, NEO, 10).await;
    let reply = refused(&app, STRANGER, NEO).await;
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=600).contains(&seconds), "{seconds}");
    // From every other address too, and in every spelling of the name.
    refused(&app, "203.0.113.9", "NEO@Example.org").await;
    login_from(&app, STRANGER, "trinity@example.org", WRONG).send().await.expect(401);

    app.advance(Duration::from_mins(10));
    refused(&app, STRANGER, NEO).await;
    // Ten failures weigh nine.
    app.advance(Duration::from_mins(1));
    login_from(&app, STRANGER, NEO, PASSWORD).send().await.pair();
}

#[tokio::test]
async fn a_name_has_a_hundred_failures_a_day() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    app.begin_window(Duration::from_hours(24));
    for _ in 0..10 {
        guess(&app, STRANGER, NEO, 10).await;
        app.advance(Duration::from_mins(20));
    }
    refused(&app, STRANGER, NEO).await;
    app.advance(Duration::from_hours(48));
    login_from(&app, STRANGER, NEO, PASSWORD).send().await.pair();
}

#[tokio::test]
async fn a_refusal_is_the_same_to_the_byte_for_names_without_an_account() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    let mut answers = Vec::new();
    for name in [NEO, "unknown@example.org", "not an identifier"] {
        guess(&app, STRANGER, name, 10).await;
        let body = json!({ "identifier": name, "password": PASSWORD });
        let call = app.client.post("/api/v1/auth/login").json(&body).header("x-forwarded-for", STRANGER);
        let mut reply = call.header("x-request-id", "the-same").send().await;
        reply.headers.remove("date");
        // The seconds pass while the test runs.
        let seconds: i64 = reply.header("retry-after").parse().unwrap();
        reply.headers.remove("retry-after");
        answers.push((seconds, (reply.status, format!("{:?}", reply.headers), reply.text)));
    }
    let (seconds, first) = &answers[0];
    assert_eq!(first.0, 429);
    assert!(answers.iter().all(|(_, answer)| answer == first), "{answers:#?}");
    assert!(answers.iter().all(|(other, _)| (other - seconds).abs() < 30), "{answers:#?}");
}

#[tokio::test]
async fn a_refusal_costs_no_hash_and_a_success_no_failure() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    guess(&app, STRANGER, NEO, 9).await;
    for address in ["203.0.113.1", "203.0.114.1", "203.0.115.1"] {
        login_from(&app, address, NEO, PASSWORD).send().await.pair();
    }
    guess(&app, STRANGER, NEO, 1).await;
    let before = app.context.hasher.computed();
    for _ in 0..20 {
        refused(&app, STRANGER, NEO).await;
    }
    assert_eq!(app.context.hasher.computed(), before);
}

/// A route of a signed-in user that takes the password.
fn change(app: &TestApp, access: &str, path: &str, password: &str) -> Call {
    if path == "reauthenticate" {
        let body = json!({ "password": password });
        let call = app.client.post("/api/v1/auth/reauthenticate").bearer(access).json(&body);
        return call.header("x-forwarded-for", STRANGER);
    }
    let new: Value = match path {
        "password" => json!({ "new_password": "another horse, another battery" }),
        "email" => json!({ "email": "neo@zion.example" }),
        _ => json!({ "login": "the-one" }),
    };
    let mut body = new;
    body["current_password"] = json!(password);
    let call = app.client.put(&format!("/api/v1/me/{path}")).bearer(access).json(&body);
    call.header("x-forwarded-for", STRANGER)
}

#[tokio::test]
async fn a_session_has_five_failures_over_all_its_routes_and_another_session_its_own() {
    let app = TestApp::start().await;
    let one = app.client.new_user(NEO).await;
    let other = app.client.sign_in(NEO).await;
    for path in ["password", "email", "login", "reauthenticate", "email"] {
        change(&app, &one.access, path, WRONG).send().await.problem(403, "current_password_wrong");
    }
    for path in ["password", "email", "login", "reauthenticate"] {
        let reply = change(&app, &one.access, path, PASSWORD).send().await;
        reply.problem(429, "too_many_attempts");
    }
    // The sixth failure is one of another session; the sign-in has buckets of its own.
    change(&app, &other.access, "login", WRONG).send().await.problem(403, "current_password_wrong");
    guess(&app, STRANGER, NEO, 10).await;
    refused(&app, STRANGER, NEO).await;
    change(&app, &other.access, "login", PASSWORD).send().await.pair();
}

#[tokio::test]
async fn all_sessions_together_have_twenty_failures_a_day() {
    let app = TestApp::start().await;
    let mut session = app.client.new_user(NEO).await;
    for _ in 0..4 {
        for _ in 0..5 {
            change(&app, &session.access, "email", WRONG).send().await.problem(403, "current_password_wrong");
        }
        session = app.client.sign_in(NEO).await;
    }
    change(&app, &session.access, "email", PASSWORD).send().await.problem(429, "too_many_attempts");
    // A thief of a session does not stop the owner, whose device is known.
    let device = app.client.sign_in(NEO).await.device;
    let cookie = format!("__Host-device={device}");
    change(&app, &session.access, "email", PASSWORD).header("cookie", &cookie).send().await.pair();
}

#[tokio::test]
async fn a_password_that_is_not_asked_for_and_a_form_with_errors_count_nothing() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    for _ in 0..7 {
        let body = json!({ "current_password": PASSWORD, "new_password": "password" });
        let call = app.client.put("/api/v1/me/password").bearer(&pair.access).json(&body);
        call.send().await.problem(422, "password_weak");
    }
    change(&app, &pair.access, "email", PASSWORD).send().await.pair();
}

#[tokio::test]
async fn every_operation_that_takes_a_password_refuses_the_next_guess() {
    let app = TestApp::start().await;
    let document: Value = app.client.get("/openapi.json").send().await.expect(200).json();
    let mut guessed = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let reference = schema.pointer("/allOf/0/$ref").or(schema.get("$ref")).and_then(Value::as_str);
            let form = reference.and_then(|reference| document.pointer(reference.trim_start_matches('#')));
            let members = form.and_then(|form| form["properties"].as_object()).into_iter().flatten();
            if members
                .clone()
                .any(|(name, member)| name.ends_with("password") || member["format"] == "password")
            {
                guessed.push(format!("{method} {path}"));
            }
        }
    }
    guessed.sort_unstable();
    assert_eq!(guessed.len(), 11, "{guessed:?}");
    // They have tests of their own: three hundred registrations, codes by mail, the flows of links, links that set a password, and the
    // link that undoes a change of the address.
    guessed.retain(|operation| {
        !["auth/register", "email/undo", "email/verify", "link/confirm", "link/sign-in", "password/reset"]
            .iter()
            .any(|apart| operation.ends_with(apart))
    });
    for operation in guessed {
        let name = format!("{}@example.org", operation.replace(|letter: char| !letter.is_alphanumeric(), ""));
        let pair = app.client.new_user(&name).await;
        let (_, path) = operation.split_once("/api/v1/").unwrap();
        let last = path.rsplit('/').next().unwrap();
        let attempt = async |password: &str| match path {
            "auth/login" => login_from(&app, STRANGER, &name, password).send().await.status,
            "auth/reauthenticate" | "me/password" | "me/email" | "me/login" => {
                change(&app, &pair.access, last, password).send().await.status
            }
            other => panic!("add a case that guesses at {other}"),
        };
        let mut status = 0;
        for _ in 0..=10 {
            status = attempt(WRONG).await;
        }
        assert_eq!(status, 429, "{operation}");
    }
}

#[tokio::test]
async fn a_sign_in_before_linking_is_limited_as_any_other() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
    cinema.app.client.register(NEO).await.expect(201);
    forget_networks(&cinema.app).await;
    let mut browser = cinema.browser();
    let (flow, _) = browser.is_offered(Provider::Yandex, "anna").await;
    browser.join(&flow, NEO, WRONG).await.problem(401, "invalid_credentials");
    guess(&cinema.app, STRANGER, NEO, 9).await;
    browser.join(&flow, NEO, PASSWORD).await.problem(429, "too_many_attempts");
    refused(&cinema.app, STRANGER, NEO).await;
}

async fn pending_link(cinema: &Cinema) -> (Browser, String) {
    let mut browser = cinema.browser();
    let reply = browser.try_to_sign_in(Provider::X, "same").await;
    let problem = reply.problem(409, "link_confirmation_required");
    let flow = problem["flow"].as_str().expect("a flow").to_owned();
    (browser, flow)
}

#[tokio::test]
async fn the_confirmation_of_links_has_twenty_failures_a_day_and_none_of_the_owners() {
    let cinema = Cinema::start().await;
    let app = &cinema.app;
    let pair = app.client.new_user(NEO).await;
    let proved = "update auth.users set verified_email_key = email_key";
    app.sql().await.batch_execute(proved).await.unwrap();
    cinema.add_person(Provider::X, "same", Some(NEO), true);
    let confirm = async |browser: &Browser, flow: &str, password: &str, device: Option<&str>| {
        let mut body = json!({ "flow": flow, "password": password });
        if let Some(device) = device {
            body["device_token"] = json!(device);
        }
        let call = browser.call(reqwest::Method::POST, "/api/v1/oauth/link/confirm").json(&body);
        call.header("x-forwarded-for", STRANGER).send().await
    };
    for _ in 0..4 {
        let (browser, flow) = pending_link(&cinema).await;
        for number in 0..5 {
            let password = format!("{WRONG} {number}");
            confirm(&browser, &flow, &password, None).await.problem(401, "invalid_credentials");
        }
        confirm(&browser, &flow, PASSWORD, None).await.problem(410, "code_expired");
    }
    let (browser, flow) = pending_link(&cinema).await;
    confirm(&browser, &flow, PASSWORD, None).await.problem(429, "too_many_attempts");
    // It cost the flow nothing.
    confirm(&browser, &flow, PASSWORD, Some(&pair.device)).await.pair();
}

#[tokio::test]
async fn an_address_has_three_hundred_registrations_an_hour() {
    let app = TestApp::start().await;
    app.begin_window(Duration::from_hours(1));
    let register = async |address: &str, number: usize| {
        let body = json!({ "email": format!("neo{number}@example.org"), "password": PASSWORD });
        let call = app.client.post("/api/v1/auth/register").json(&body).header("x-forwarded-for", address);
        call.send().await
    };
    // Forms with errors do not count, and taken addresses do.
    for _ in 0..20 {
        let body = json!({ "email": "neo@example.org", "password": "password" });
        let call = app.client.post("/api/v1/auth/register").json(&body).header("x-forwarded-for", STRANGER);
        call.send().await.problem(422, "password_weak");
    }
    for tens in 0..29 {
        let ten = (0..10).map(|one| register(STRANGER, 10 * tens + one));
        for reply in join_all(ten).await {
            reply.expect(201);
        }
    }
    for _ in 0..10 {
        register(STRANGER, 0).await.problem(409, "email_taken");
    }
    register(STRANGER, 900).await.problem(429, "too_many_attempts");
    register("198.51.100.8", 901).await.expect(201);
    app.advance(Duration::from_hours(2));
    register(STRANGER, 902).await.expect(201);
}

/// The sum of the counters of addresses.
async fn counted_by_address(app: &TestApp) -> u64 {
    let mut redis = app.log.redis().await;
    let keys = format!("{}guess:addresses:*", app.vars["REDIS_PREFIX"]);
    let keys: Vec<String> = redis::cmd("KEYS").arg(keys).query_async(&mut redis).await.unwrap();
    let mut sum = 0;
    for key in keys {
        let part: Vec<u8> = redis::cmd("GET").arg(key).query_async(&mut redis).await.unwrap();
        sum += part.chunks(2).map(|slot| u64::from(u16::from_be_bytes([slot[0], slot[1]]))).sum::<u64>();
    }
    sum
}

#[tokio::test]
async fn a_registration_with_a_weak_password_is_an_attempt_of_its_address() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        let body = json!({ "email": NEO, "password": "password" });
        let call = app.client.post("/api/v1/auth/register").json(&body).header("x-forwarded-for", STRANGER);
        call.send().await.problem(422, "password_weak");
    }
    assert_eq!(counted_by_address(&app).await, 3);
}

#[tokio::test]
async fn a_right_password_that_opens_one_session_too_many_was_right() {
    let app = TestApp::start_with(&[("ADMIN_SESSIONS_PER_HOUR", "1")]).await;
    app.client.new_user(NEO).await;
    for _ in 0..3 {
        let reply = login_from(&app, STRANGER, NEO, PASSWORD).send().await;
        reply.problem(429, "too_many_sessions");
    }
    guess(&app, STRANGER, NEO, 10).await;
    let metrics = app.ops.get("/metrics").send().await.expect(200).text;
    let line = "usher_admin_attempts_total{bucket=\"identifier\",outcome=\"succeeded\"} 3";
    assert!(metrics.contains(line), "{metrics}");
    assert!(!metrics.contains("outcome=\"not_judged\"} 3"), "{metrics}");
}
