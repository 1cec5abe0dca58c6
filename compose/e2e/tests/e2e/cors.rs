//! Pages of other origins, in a real browser: they read what they may, and no other page does.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use harness::Stack;
use harness::http::{call, get};
use harness::wait::until;
use hyper::Method;
use serde_json::{Value, json};

use crate::chromium::Browser;
use crate::films::{Films, serve};
use crate::people::{Person, send};
use crate::support::LIMIT;

/// A system, and pages of other origins: one with credentials, one without, and one that is not listed.
struct Site {
    stack: Stack,
    with_credentials: String,
    without: String,
    unlisted: String,
}

impl Site {
    async fn start() -> Self {
        let [with_credentials, without, unlisted] =
            std::array::from_fn(|_| format!("http://{}", serve(page)));
        let films = Arc::new(Films::default());
        let films = serve(move |head, stream: &mut TcpStream| films.answer(head, stream));
        let listed = format!(
            "map $http_origin $cors {{ default refused; {with_credentials} credentials; {without} allowed; \
             null credentials; }}\nupstream films {{ server {films}; }}"
        );
        let locations = "include snippets/preflight.conf;
            location /api/v1/reels/ {
                set $auth_policy \"user\";
                include snippets/protect.conf;
                include snippets/proxy.conf;
                proxy_pass http${auth_gate}://films;
            }";
        let page = format!("{with_credentials}/");
        let builder = Stack::builder().providers().nginx(&listed, locations);
        let stack = builder.admin("ADMIN_OAUTH_RETURN_TO", &page).start().await.unwrap();
        Self { stack, with_credentials, without, unlisted }
    }

    /// What the page that the browser shows gets: the status, a header and the text, or `blocked`.
    async fn fetch(&self, browser: &Browser, path: &str, options: Value, header: &str) -> Value {
        let url = self.stack.gateway(path);
        let script = format!(
            "window.told = '';
             fetch('{url}', {options}).then(async (answer) => {{
                 window.told = JSON.stringify([answer.status, answer.headers.get('{header}'), await answer.text()]);
             }}, () => {{ window.told = '\"blocked\"'; }});"
        );
        browser.run(&script).await;
        let told = async || !browser.run("return window.told").await.is_empty();
        until(path, LIMIT, told).await.unwrap();
        serde_json::from_str(&browser.run("return window.told").await).unwrap()
    }
}

/// An empty page, for every request.
fn page(_: &str, stream: &mut TcpStream) -> std::io::Result<()> {
    let text = "<!DOCTYPE html><title>cinema</title><link rel=icon href=data:,>";
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
}

fn bearer(token: &str) -> Value {
    json!({ "headers": { "Authorization": format!("Bearer {token}") } })
}

fn post(body: &Value, credentials: &str) -> Value {
    let headers = json!({ "Content-Type": "application/json" });
    json!({ "method": "POST", "headers": headers, "body": body.to_string(), "credentials": credentials })
}

#[tokio::test]
async fn a_listed_page_signs_in_and_reads_films_parts_of_films_and_problems() {
    let (site, browser) = tokio::join!(Site::start(), Browser::start());
    let (_, pair) = Person::signed_in(&site.stack).await;
    browser.open(&format!("{}/", site.without)).await;

    let answer = site.fetch(&browser, "/api/v1/films/", bearer(&pair.access), "X-Request-Id").await;
    assert_eq!((&answer[0], answer[1].as_str().map(str::len)), (&json!(200), Some(32)), "{answer}");

    let mut range = bearer(&pair.access);
    range["headers"]["Range"] = json!("bytes=65536-65543");
    let answer = site.fetch(&browser, "/api/v1/reels/1048576", range, "Content-Range").await;
    assert_eq!(answer, json!([206, "bytes 65536-65543/1048576", "00000001"]));

    let me = site.fetch(&browser, "/api/v1/me", bearer(&pair.access), "ETag").await;
    let mut same = bearer(&pair.access);
    same["headers"]["If-None-Match"] = me[1].clone();
    assert!(me[1].is_string(), "{me}");
    assert_ne!(site.fetch(&browser, "/api/v1/me", same, "ETag").await, json!("blocked"));

    let answer = site.fetch(&browser, "/api/v1/films/", json!({}), "WWW-Authenticate").await;
    assert_eq!((&answer[0], &answer[1]), (&json!(401), &json!("Bearer realm=\"cinema\"")), "{answer}");
    assert!(answer[2].as_str().unwrap().contains("\"code\":\"token_missing\""), "{answer}");

    let refresh = post(&json!({ "refresh_token": pair.refresh }), "omit");
    let answer = site.fetch(&browser, "/api/v1/auth/refresh", refresh, "X-Refresh-Cause").await;
    assert!(answer[0] == 200 && answer[1].is_string(), "{answer}");
}

#[tokio::test]
async fn only_a_page_with_credentials_can_exchange_a_one_time_code() {
    let (site, browser) = tokio::join!(Site::start(), Browser::start());
    let page = format!("{}/", site.with_credentials);
    browser.open(&site.stack.gateway(&format!("/api/v1/oauth/github/login?return_to={page}"))).await;
    browser.choose("anna").await;
    let returned = async || browser.address().await.starts_with(&format!("{page}?one_time_code="));
    until("the return to the page", LIMIT, returned).await.unwrap();
    let address = browser.address().await;
    let code = address.split_once('=').unwrap().1;

    let exchange = |credentials| post(&json!({ "one_time_code": code }), credentials);
    let path = "/api/v1/oauth/exchange";
    let answer = site.fetch(&browser, path, exchange("include"), "X-Request-Id").await;
    assert_eq!(answer[0], 200, "{answer}");
    assert!(answer[2].as_str().unwrap().contains("\"access_token\""), "{answer}");

    browser.open(&format!("{}/", site.without)).await;
    let answer = site.fetch(&browser, path, exchange("include"), "X-Request-Id").await;
    assert_eq!(answer, json!("blocked"));
}

#[tokio::test]
async fn another_page_reads_nothing() {
    let (site, browser) = tokio::join!(Site::start(), Browser::start());
    let (_, pair) = Person::signed_in(&site.stack).await;
    // A `data:` page has the origin `null`.
    for page in [format!("{}/", site.unlisted), "data:text/html,<title>a</title>".to_owned()] {
        browser.open(&page).await;
        for path in ["/api/v1/genres/", "/api/v1/films/", "/api/v1/me"] {
            for options in [json!({}), bearer(&pair.access), json!({ "credentials": "include" })] {
                let answer = site.fetch(&browser, path, options.clone(), "X-Request-Id").await;
                assert_eq!(answer, json!("blocked"), "{page} {path} {options}");
            }
        }
    }
}

#[tokio::test]
async fn headers_say_for_whom_a_response_is_and_name_no_other_page() {
    let site = Site::start().await;
    for path in ["/api/v1/genres/", "/api/v1/films/", "/api/v1/me", "/nothing", "/.well-known/jwks.json"] {
        let url = site.stack.gateway(path);
        for (origin, allowed, credentials) in [
            (Some(&*site.with_credentials), true, true),
            (Some(&*site.without), true, false),
            (Some(&*site.unlisted), false, false),
            (Some("null"), false, false),
            (Some("https://evil.example"), false, false),
            (None, false, false),
        ] {
            for method in [Method::GET, Method::OPTIONS] {
                let mut question = call(method.clone(), &url).header("Access-Control-Request-Method", "GET");
                if let Some(origin) = origin {
                    question = question.header("Origin", origin);
                }
                let answer = send(question).await;
                let what = format!("{method} {path} {origin:?}: {answer:?}");
                let told = answer.find_header("access-control-allow-origin");
                assert_eq!(told, origin.filter(|_| allowed), "{what}");
                if allowed {
                    let told = answer.find_header("access-control-allow-credentials");
                    assert_eq!(told, credentials.then_some("true"), "{what}");
                }
                assert!(answer.headers.get_all("vary").iter().any(|vary| vary == "Origin"), "{what}");
                assert_eq!(answer.status == 204, allowed && method == Method::OPTIONS, "{what}");
            }
        }
    }
    let closed = Stack::start().await.unwrap();
    let answer = send(get(&closed.gateway("/api/v1/genres/")).header("Origin", &site.without)).await;
    assert_eq!(answer.find_header("vary"), None);
    assert_eq!(answer.find_header("access-control-allow-origin"), None);
}
