//! The API for a browser that keeps its tokens in cookies.

use reqwest::Method;
use serde_json::{Value, json};

use super::start;
use super::visitor::Visitor;
use crate::support::{Call, PASSWORD, Reply};

use super::NEO;

/// A request of a script of the own origin.
fn call(visitor: &Visitor, method: Method, path: &str) -> Call {
    visitor.call(method, path).header("accept", "application/json").header("x-usher-mode", "cookie")
}

async fn sign_in(visitor: &mut Visitor) -> Reply {
    let body = json!({ "email": NEO, "password": PASSWORD });
    let reply = call(visitor, Method::POST, "/api/v1/auth/login").json(&body).send().await.expect(200);
    visitor.keep(&reply);
    reply
}

#[tokio::test]
async fn tokens_are_in_cookies_and_not_in_the_body() {
    let app = start().await;
    app.client.new_user(NEO).await;
    let mut visitor = Visitor::new(&app);
    let reply = sign_in(&mut visitor).await;
    let body: Value = reply.json();
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["expires_in", "refresh_expires_in", "session_id"]);
    let names: Vec<_> = visitor.cookies.keys().map(String::as_str).collect();
    assert_eq!(names, ["__Host-access", "__Host-device", "__Host-refresh"]);

    call(&visitor, Method::GET, "/api/v1/me").send().await.expect(200);
    let before = visitor.cookies.clone();
    let renewed = call(&visitor, Method::POST, "/api/v1/auth/refresh").send().await.expect(200);
    visitor.keep(&renewed);
    assert_ne!(visitor.cookies["__Host-refresh"], before["__Host-refresh"]);
    assert!(!renewed.text.contains("token"));

    let proof = json!({ "password": PASSWORD });
    let proved =
        call(&visitor, Method::POST, "/api/v1/auth/reauthenticate").json(&proof).send().await.expect(200);
    let kept = visitor.cookies["__Host-refresh"].clone();
    visitor.keep(&proved);
    assert_eq!(visitor.cookies["__Host-refresh"], kept);

    let ended = call(&visitor, Method::POST, "/api/v1/auth/logout").send().await.expect(204);
    visitor.keep(&ended);
    let names: Vec<_> = visitor.cookies.keys().map(String::as_str).collect();
    assert_eq!(names, ["__Host-device"]);
    let unknown = call(&visitor, Method::POST, "/api/v1/auth/refresh").send().await;
    assert_eq!(unknown.status, 422, "there is no token");
}

#[tokio::test]
async fn cookies_act_only_for_pages_of_the_own_origin_that_ask_for_it() {
    let app = start().await;
    app.client.new_user(NEO).await;
    let mut visitor = Visitor::new(&app);
    sign_in(&mut visitor).await;
    let end = "/api/v1/auth/logout-all";
    // Without the header cookies do not count at all.
    visitor.call(Method::POST, end).header("accept", "*/*").send().await.problem(401, "token_missing");
    let mode = |call: Call| call.header("accept", "*/*").header("x-usher-mode", "cookie");
    for headers in [
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")][..],
        &[("origin", "https://www.cinema.example"), ("sec-fetch-site", "same-site")],
        &[("origin", "null"), ("sec-fetch-site", "same-origin")],
        &[],
    ] {
        for (method, path) in [(Method::POST, end), (Method::DELETE, "/api/v1/me/accounts/github")] {
            let call = headers
                .iter()
                .fold(visitor.call_plain(method, path), |call, (name, value)| call.header(name, value));
            mode(call).send().await.problem(403, "cross_site_refused");
        }
    }
    let read = visitor.call_plain(Method::GET, "/api/v1/me").header("sec-fetch-site", "cross-site");
    mode(read).send().await.problem(403, "cross_site_refused");
    call(&visitor, Method::GET, "/api/v1/me").send().await.expect(200);
    // A token in the header decides, as for every other client.
    call(&visitor, Method::GET, "/api/v1/me").bearer("x").send().await.problem(401, "token_invalid");
    // Two of one name are none.
    visitor.cookies.insert("__Host-access=x; __Host-access".to_owned(), "y".to_owned());
    call(&visitor, Method::GET, "/api/v1/me").send().await.problem(401, "token_missing");
}
