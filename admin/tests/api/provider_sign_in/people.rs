//! What people meet who open a link: parameters of campaigns, pages with a query, and problems that they can read.

use mock_providers::Provider::GitHub;
use reqwest::Method;
use serde_json::json;

use crate::support::{Cinema, PAGE, Reply, TestApp};

/// What Firefox sends when a person opens a link.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// The query that names the page.
fn to_page(page: &str) -> String {
    let page: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
    format!("?return_to={page}")
}

/// Asserts that a response is a page that says the problem of `code`.
#[track_caller]
fn is_page(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{reply:?}");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert!(reply.header("content-security-policy").starts_with("default-src 'none'"));
    for part in ["<!doctype html>", code, reply.header("x-request-id")] {
        assert!(reply.text.contains(part), "{part} in {}", reply.text);
    }
}

#[tokio::test]
async fn parameters_of_campaigns_are_ignored_on_a_login_link() {
    let cinema = Cinema::start().await;
    for query in
        ["?utm_source=mail&utm_medium=x", "?yclid=1&utm_source=a&utm_source=b", "?%00=%00", "?mode=link"]
    {
        let reply =
            cinema.app.client.get(&format!("/api/v1/oauth/github/login{query}")).send().await.expect(302);
        let at: url::Url = reply.header("location").parse().unwrap();
        assert!(at.query_pairs().all(|(name, _)| !name.contains("utm")), "{at}");
    }
    // Ours may appear once.
    for query in ["?return_to=a&return_to=b", "?code_challenge=a&utm_source=x&code_challenge=b"] {
        let path = format!("/api/v1/oauth/github/login{query}");
        cinema.app.client.get(&path).send().await.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn a_browser_returns_to_a_page_with_its_query() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    for (page, begin) in [
        (format!("{PAGE}?film=7&at=%D1%8F"), format!("{PAGE}?film=7&at=%D1%8F&one_time_code=")),
        (format!("{PAGE}?"), format!("{PAGE}?one_time_code=")),
        (
            format!("{PAGE}?next=https://evil.example/"),
            format!("{PAGE}?next=https://evil.example/&one_time_code="),
        ),
    ] {
        let at = browser.start_flow(GitHub, &to_page(&page)).await;
        let back = browser.choose(&at, "anna").await;
        let reply = browser.call_back(&back).await.expect(303);
        assert!(reply.header("location").starts_with(&begin), "{reply:?}");
    }
    // The service's own parameters cannot be set before, and the page has a limit.
    for query in ["one_time_code=a", "x=1&error=a", "linked=github", "%66low=a", &"a".repeat(512)] {
        let path = format!("/api/v1/oauth/github/login{}", to_page(&format!("{PAGE}?{query}")));
        cinema.app.client.get(&path).send().await.problem(422, "return_to_not_allowed");
    }
    let pair = cinema.app.client.new_user("neo@example.org").await;
    let body = json!({ "return_to": format!("{PAGE}?film=7") });
    let link = browser.call(Method::POST, "/api/v1/me/accounts/github").bearer(&pair.access).json(&body);
    link.send().await.expect(200);
}

#[tokio::test]
async fn a_person_gets_a_page_and_a_program_the_problem() {
    // Without a page to return to, so that no redirect is possible.
    let app = TestApp::start_with(&[
        ("ADMIN_PUBLIC_URL", "https://cinema.test"),
        ("ADMIN_OAUTH_GITHUB_CLIENT_ID", "us"),
        ("ADMIN_OAUTH_GITHUB_CLIENT_SECRET", "secret"),
    ])
    .await;
    let state = "s".repeat(43);
    for (method, path, status, code) in [
        (Method::GET, "/api/v1/oauth/nowhere/login".to_owned(), 404, "provider_unknown"),
        (Method::GET, "/api/v1/oauth/github/login?code_challenge=short".to_owned(), 422, "validation_failed"),
        (Method::GET, format!("/api/v1/oauth/github/login{}", to_page(PAGE)), 422, "return_to_not_allowed"),
        (Method::POST, "/api/v1/oauth/github/callback".to_owned(), 415, "unsupported_media_type"),
        (Method::POST, "/api/v1/oauth/exchange".to_owned(), 415, "unsupported_media_type"),
        (Method::POST, "/api/v1/oauth/link/confirm".to_owned(), 415, "unsupported_media_type"),
        (Method::GET, "/api/v1/oauth/link/confirm".to_owned(), 405, "method_not_allowed"),
        (Method::GET, "/api/v1/oauth/github/login/".to_owned(), 404, "not_found"),
    ] {
        let ask = |accept: &str| app.client.call(method.clone(), &path).header("accept", accept).send();
        is_page(&ask(BROWSER).await, status, code);
        for program in ["*/*", "application/json", "application/json, text/html;q=0.9"] {
            ask(program).await.problem(status, code);
        }
    }
    // A person whose sign-in is unknown is led to the page where it begins.
    for (query, code) in [
        (format!("state={state}&code=a"), "state_invalid"),
        ("state=a&state=b".to_owned(), "request_malformed"),
    ] {
        let path = format!("/api/v1/oauth/github/callback?{query}");
        let led = app.client.get(&path).header("accept", BROWSER).send().await.expect(303);
        assert_eq!(led.header("location"), format!("https://cinema.test/account/signed-in?error={code}"));
        app.client.get(&path).header("accept", "*/*").send().await.problem(400, code);
    }
    // Other routes are for programs.
    app.client.get("/api/v1/me").header("accept", BROWSER).send().await.problem(401, "token_missing");
}

#[tokio::test]
async fn text_of_a_link_is_no_markup_on_the_page() {
    let cinema = Cinema::start().await;
    let path = "/api/v1/oauth/%3Cscript%3E/login?return_to=%3Cscript%3E";
    let reply = cinema.app.client.get(path).header("accept", BROWSER).send().await;
    assert!(!reply.text.contains("<script"), "{reply:?}");
    is_page(&reply, 404, "provider_unknown");
}
