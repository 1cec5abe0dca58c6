//! A device that an account has used before is not refused with strangers.

use std::time::Duration;

use serde_json::json;

use super::{STRANGER, forget_networks, guess, login_from, refused};
use crate::support::{PASSWORD, Pair, Reply, TestApp};
use crate::witness::{change_password, refresh, superuser, user_of};

const NEO: &str = "neo@example.org";

fn cookie_of(reply: &Reply) -> String {
    let cookie = reply.header("set-cookie").to_owned();
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    assert_eq!(attributes, "Path=/; Max-Age=15552000; Secure; HttpOnly; SameSite=Lax");
    pair.to_owned()
}

/// A sign-in with a device token in the body, from a network that the account never used.
async fn with_device(app: &TestApp, device: &str, password: &str) -> Reply {
    let body = json!({ "email": NEO, "password": password, "device_token": device });
    let call = app.client.post("/api/v1/auth/login").json(&body).header("x-forwarded-for", "192.0.2.77");
    call.send().await
}

#[tokio::test]
async fn a_known_device_gets_in_while_strangers_guess_and_has_ten_failures_of_its_own() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    guess(&app, STRANGER, NEO, 10).await;
    refused(&app, STRANGER, NEO).await;
    let next = with_device(&app, &pair.device, PASSWORD).await.pair();
    for _ in 0..10 {
        with_device(&app, &next.device, "not the password").await.problem(401, "invalid_credentials");
    }
    with_device(&app, &next.device, PASSWORD).await.problem(429, "too_many_attempts");
    // Another device of the account is not concerned.
    let other = app.client.sign_in(NEO).await;
    with_device(&app, &other.device, PASSWORD).await.pair();
}

#[tokio::test]
async fn a_browser_keeps_its_device_as_a_cookie() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    let reply = login_from(&app, "192.0.2.1", NEO, PASSWORD).send().await.expect(200);
    let cookie = cookie_of(&reply);
    assert_eq!(cookie, format!("__Host-device={}", reply.pair().device));
    guess(&app, STRANGER, NEO, 10).await;
    let from_elsewhere =
        |cookie: &str| login_from(&app, STRANGER, NEO, PASSWORD).header("cookie", cookie).send();
    for bad in [format!("{cookie}x"), format!("{cookie}; {cookie}"), "__Host-device=".to_owned()] {
        from_elsewhere(&bad).await.problem(429, "too_many_attempts");
    }
    from_elsewhere(&cookie).await.pair();
}

#[tokio::test]
async fn a_device_is_renewed_by_every_sign_in_and_refresh_and_keeps_its_identity() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    app.client.register("trinity@example.org").await.expect(201);
    let both = {
        let body =
            json!({ "email": "trinity@example.org", "password": PASSWORD, "device_token": pair.device });
        app.client.post("/api/v1/auth/login").json(&body).send().await.pair()
    };
    app.advance(Duration::from_hours(24 * 100));
    let body = json!({ "refresh_token": both.refresh, "device_token": both.device });
    let renewed: Pair = app.client.post("/api/v1/auth/refresh").json(&body).send().await.pair();
    assert_ne!(renewed.device, both.device);
    app.advance(Duration::from_hours(24 * 100));
    guess(&app, STRANGER, NEO, 10).await;
    with_device(&app, &both.device, PASSWORD).await.problem(429, "too_many_attempts");
    // The other account is still listed.
    with_device(&app, &renewed.device, PASSWORD).await.pair();
}

#[tokio::test]
async fn a_refresh_without_a_device_makes_one() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    let reply = refresh(&app, &pair.refresh).send().await.expect(200);
    let cookie = cookie_of(&reply);
    let next = reply.pair();
    assert!(cookie.ends_with(&next.device) && next.device != pair.device);
    guess(&app, STRANGER, NEO, 10).await;
    with_device(&app, &next.device, PASSWORD).await.pair();
}

#[tokio::test]
async fn a_new_password_and_an_operator_make_all_other_devices_unknown() {
    let app = TestApp::start().await;
    let thief = app.client.new_user(NEO).await;
    let owner = app.client.sign_in(NEO).await;
    let new = "another horse, another battery";
    let kept = change_password(&app, &owner.access, new).send().await.pair();
    guess(&app, STRANGER, NEO, 10).await;
    with_device(&app, &thief.device, new).await.problem(429, "too_many_attempts");
    with_device(&app, &owner.device, new).await.problem(429, "too_many_attempts");
    let next = with_device(&app, &kept.device, new).await.pair();

    let root = superuser(&app).await;
    let path = format!("/api/v1/admin/users/{}/logout-all", user_of(&owner));
    app.client.post(&path).bearer(&root.access).send().await.expect(200);
    forget_networks(&app).await;
    with_device(&app, &next.device, new).await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn a_device_of_one_account_is_a_stranger_to_another() {
    let app = TestApp::start().await;
    let trinity = app.client.new_user("trinity@example.org").await;
    app.client.register(NEO).await.expect(201);
    guess(&app, STRANGER, NEO, 10).await;
    with_device(&app, &trinity.device, PASSWORD).await.problem(429, "too_many_attempts");
}

/// Wrong passwords with a device, ten in each of so many windows. Those that are too many are refused.
async fn guess_with_device(app: &TestApp, device: &str, windows: usize) -> usize {
    let mut judged = 0;
    for _ in 0..windows {
        for _ in 0..10 {
            let reply = with_device(app, device, "not the password").await;
            assert!([401, 429].contains(&reply.status), "{reply:?}");
            judged += usize::from(reply.status == 401);
        }
        app.advance(Duration::from_mins(20));
    }
    judged
}

#[tokio::test]
async fn one_device_has_thirty_failures_a_day_and_shuts_out_no_other() {
    let app = TestApp::start().await;
    let old = app.client.new_user(NEO).await;
    let other = app.client.sign_in(NEO).await;
    app.begin_window(Duration::from_hours(24));
    assert_eq!(guess_with_device(&app, &old.device, 11).await, 30);
    with_device(&app, &old.device, PASSWORD).await.problem(429, "too_many_attempts");
    with_device(&app, &other.device, PASSWORD).await.pair();
}

#[tokio::test]
async fn when_all_devices_together_failed_too_often_a_device_is_a_stranger() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    let mut devices = Vec::new();
    for _ in 0..5 {
        devices.push(app.client.sign_in(NEO).await.device);
    }
    forget_networks(&app).await;
    app.begin_window(Duration::from_hours(24));
    for device in &devices[..3] {
        assert_eq!(guess_with_device(&app, device, 3).await, 30);
    }
    assert_eq!(guess_with_device(&app, &devices[3], 1).await, 10);
    let last = &devices[4];
    let pair = with_device(&app, last, PASSWORD).await.pair();
    forget_networks(&app).await;
    guess(&app, STRANGER, NEO, 10).await;
    with_device(&app, &pair.device, PASSWORD).await.problem(429, "too_many_attempts");
    app.advance(Duration::from_secs(661));
    with_device(&app, &pair.device, PASSWORD).await.pair();
}
