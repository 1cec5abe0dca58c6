//! Every kind of invalid request, and the resulting problem.

use serde_json::json;

use crate::support::{PASSWORD, TestApp};

const REGISTER: &str = "/api/v1/auth/register";

#[tokio::test]
async fn unknown_paths_and_methods_have_different_answers() {
    let app = TestApp::start().await;
    app.client.get("/api/v1/nothing").send().await.problem(404, "not_found");
    app.client.get("/api/v1/auth/register/").send().await.problem(404, "not_found");
    let reply = app.client.get(REGISTER).send().await;
    assert_eq!(reply.header("allow"), "POST");
    reply.problem(405, "method_not_allowed");
    let reply = app.client.delete("/api/v1/me").send().await;
    assert_eq!(reply.header("allow"), "GET, HEAD, PATCH");
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let app = TestApp::start().await;
    let head = app.client.call(reqwest::Method::HEAD, "/.well-known/jwks.json").send().await.expect(200);
    assert_eq!(head.header("content-type"), "application/jwk-set+json");
    assert_eq!(head.text, "");
}

#[tokio::test]
async fn the_response_has_the_request_id_of_nginx() {
    let app = TestApp::start().await;
    let reply = app.client.get("/").header("x-request-id", "444535f9378a3dfa").send().await;
    assert_eq!(reply.header("x-request-id"), "444535f9378a3dfa");
    assert_eq!(reply.problem(404, "not_found")["request_id"], "444535f9378a3dfa");
    let reply = app.client.get("/").header("x-request-id", "no good").send().await;
    assert_ne!(reply.header("x-request-id"), "no good");
}

#[tokio::test]
async fn bodies_that_are_not_strict_json_are_malformed() {
    let app = TestApp::start().await;
    let bodies =
        ["", "{", "email=a", "{} {}", r#"{"email":"a@b.test","email":"a@b.test"}"#, "[[[[[[[[[]]]]]]]]]"];
    for body in bodies {
        let reply = app.client.post(REGISTER).raw_json(body).send().await;
        reply.problem(400, "request_malformed");
    }
    app.client.post(REGISTER).raw_json(&b"\xff\xfe"[..]).send().await.problem(400, "request_malformed");
}

#[tokio::test]
async fn a_body_must_say_that_it_is_json() {
    let app = TestApp::start().await;
    let body = json!({ "email": "viewer@cinema.test", "password": PASSWORD }).to_string();
    let plain = app.client.post(REGISTER).header("content-type", "text/plain").body(body.clone());
    plain.send().await.problem(415, "unsupported_media_type");
    app.client.post(REGISTER).body(body).send().await.problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_body_is_bounded_whether_or_not_it_says_its_length() {
    let app = TestApp::start().await;
    let megabyte = vec![b' '; 1024 * 1024];
    app.client.post(REGISTER).raw_json(megabyte).send().await.problem(413, "body_too_large");
    let exact =
        format!("{:16384}", json!({ "email": "viewer@cinema.test", "password": PASSWORD }).to_string());
    app.client.post(REGISTER).raw_json(exact.clone()).send().await.expect(201);
    app.client.post(REGISTER).raw_json(exact + " ").send().await.problem(413, "body_too_large");
}

#[tokio::test]
async fn fields_that_are_wrong_are_named() {
    let app = TestApp::start().await;
    let field = async |body| {
        let problem = app.client.post(REGISTER).json(&body).send().await.problem(422, "validation_failed");
        problem["errors"][0]["field"].as_str().expect("a field").to_owned()
    };
    let good = json!({ "email": "viewer@cinema.test", "password": PASSWORD });
    for name in ["is_superuser", "roles", "email_verified_at", "user_id", "status"] {
        let mut body = good.clone();
        body[name] = json!(true);
        assert_eq!(field(body).await, name);
    }
    assert_eq!(field(json!({ "email": "viewer@cinema.test" })).await, "password");
    assert_eq!(field(json!({ "email": 7, "password": PASSWORD })).await, "email");
}

#[tokio::test]
async fn the_character_zero_is_refused_everywhere() {
    let app = TestApp::start().await;
    let bodies = [
        r#"{"email":"a\u0000@b.test","password":"correct horse battery staple"}"#,
        r#"{"email":"a@b.test","password":"correct\u0000horse battery staple"}"#,
        r#"{"email":"a@b.test","password":"correct horse battery staple","na\u0000me":1}"#,
    ];
    for body in bodies {
        app.client.post(REGISTER).raw_json(body).send().await.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn nothing_in_a_query_string_or_a_header_breaks_anything() {
    let app = TestApp::start().await;
    for query in ["%00", "%ff", "a=%", "limit=-1&&&=", "cursor=%00"] {
        let reply = app.client.get(&format!("/api/v1/me/login-history?{query}")).send().await;
        assert_eq!(reply.status, 401, "{reply:?}");
    }
    let odd = reqwest::header::HeaderValue::from_bytes(b"\xff\xfe").unwrap();
    let reply = app.client.get("/api/v1/me").header_value("user-agent", odd.clone()).send().await;
    reply.problem(401, "token_missing");
    let reply = app.client.get("/api/v1/me").header_value("authorization", odd).send().await;
    assert_eq!(reply.status, 401, "{reply:?}");
}
