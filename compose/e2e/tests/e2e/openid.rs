//! Signing in through a certified OpenID provider that admin knows only by its variables.
//!
//! The provider is `tests/openid`; npm installs its packages once, below the target folder. The test plays the
//! browser, which knows the gateway as `https://cinema.test`.

use std::path::{Path, PathBuf};

use harness::assembly::Builder;
use harness::http::{Reply, get, raw};
use harness::wait::until;
use harness::{Folder, Launch, Process, Stack, ports, programs, random};
use serde_json::{Value, json};
use url::Url;

use crate::npm::{installed, packages};
use crate::people::{Pair, send};
use crate::support::LIMIT;

/// The public address of the gateway.
const PUBLIC_URL: &str = "https://cinema.test";

/// The path that begins a sign-in.
const LOGIN: &str = "/api/v1/oauth/acme/login";

/// admin's client identifier at the provider. Its colon, and some characters of the secret, must be escaped in HTTP
/// Basic authentication (RFC 6749, section 2.3.1).
const CLIENT_ID: &str = "cinema:web";

/// The most redirects that a browser follows in a row.
const REDIRECTS: usize = 10;

#[tokio::test]
async fn a_person_signs_in_through_a_certified_provider_and_is_the_same_user_the_next_time() {
    let acme = Acme::start().await;
    let stack = acme.stack(&acme.issuer).start().await.unwrap();
    let mut browser = Browser::new(&stack, &acme);
    let first = browser.sign_in("anna").await;
    first.is_let_in(&stack).await;

    let me = first.get(&stack, "/api/v1/me").await;
    assert_eq!((me.status, me.field("/email").as_str()), (200, "anna@acme.example"));
    assert_eq!(me.field("/display_name"), "Anna of Acme");
    let accounts = first.get(&stack, "/api/v1/me/accounts").await.json();
    assert_eq!(accounts["items"].as_array().map(Vec::len), Some(1), "{accounts}");
    let account = |member: &str| accounts["items"][0][member].clone();
    assert_eq!([account("provider"), account("name")], [json!("acme"), json!("Acme")]);
    assert_eq!([account("email"), account("email_vouched")], [json!("anna@acme.example"), json!(true)]);

    // The provider recognises the browser and shows no form; a new browser sees every form again.
    let once_more = browser.sign_in("anna").await;
    let elsewhere = Browser::new(&stack, &acme).sign_in("anna").await;
    let another = Browser::new(&stack, &acme).sign_in("boris").await;
    let id = async |pair: &Pair| pair.get(&stack, "/api/v1/me").await.field("/user_id");
    let anna = me.field("/user_id");
    assert_eq!((id(&once_more).await, id(&elsewhere).await), (anna.clone(), anna.clone()));
    assert_ne!(id(&another).await, anna);
    assert_ne!(first.session, once_more.session);
}

#[tokio::test]
async fn a_user_who_cancels_at_the_provider_sees_a_message() {
    let acme = Acme::start().await;
    let stack = acme.stack(&acme.issuer).start().await.unwrap();
    let mut browser = Browser::new(&stack, &acme);
    let form = browser.begin().await;
    let cancel = form.between("href=\"", "\"").expect("a way to cancel");
    let end = browser.open(form.at.join(cancel).unwrap()).await;
    // The page for the sign-in, because the browser prefers HTML.
    assert_eq!(end.status, 200, "{}", end.body);
    let message = "You stopped the sign-in at the provider.";
    assert!(end.body.starts_with("<!doctype html>") && end.body.contains(message), "{}", end.body);
}

#[tokio::test]
async fn an_unavailable_provider_is_an_error_and_after_five_its_circuit_opens() {
    let mut acme = Acme::start().await;
    let stack = acme.stack(&acme.issuer).start().await.unwrap();
    acme.process.kill().unwrap();
    for attempt in 1..=5 {
        let answer = login(&stack).await;
        assert_eq!((answer.status, answer.code().as_str()), (502, "provider_error"), "attempt {attempt}");
    }
    let answer = login(&stack).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "provider_unavailable"));
    let rest: u32 = answer.find_header("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap();
    assert!((1..=30).contains(&rest), "{rest}");
}

#[tokio::test]
async fn an_issuer_that_differs_by_a_slash_is_refused() {
    let acme = Acme::start().await;
    let stack = acme.stack(&format!("{}/", acme.issuer)).start().await.unwrap();
    let answer = login(&stack).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "provider_error"));
    let told = async || stack.admins[0].process().log().contains("issuer mismatch in the discovery document");
    until("the reason in admin's log", LIMIT, told).await.unwrap();
}

async fn login(stack: &Stack) -> Reply {
    send(get(&stack.gateway(LOGIN))).await
}

/// The provider, which ends with the test.
struct Acme {
    process: Process,
    issuer: String,
    secret: String,
    // Held so that the provider ends with the test.
    _folder: Folder,
}

impl Acme {
    async fn start() -> Self {
        let node = installed("node");
        let packages = packages("openid");
        let folder = Folder::temporary().unwrap();
        // When root runs the tests, the servers' user may be unable to enter the current folder.
        let server = folder.copy(&source("server.mjs"), "server.mjs").unwrap();
        folder.copy(&packages.join("node_modules"), "node_modules").unwrap();
        let port = ports::free().unwrap();
        let secret = format!("{} +/:%&=", random::word().unwrap());
        let node = programs::reachable(node, &folder).unwrap();
        let launch = Launch::new("openid", node, &folder).args([server]).env([
            ("OPENID_PORT", port.to_string()),
            ("OPENID_CLIENT_ID", CLIENT_ID.to_owned()),
            ("OPENID_CLIENT_SECRET", secret.clone()),
            ("OPENID_REDIRECT_URI", format!("{PUBLIC_URL}/api/v1/oauth/acme/callback")),
        ]);
        let issuer = format!("http://127.0.0.1:{port}");
        let document = format!("{issuer}/.well-known/openid-configuration");
        let mut process = launch.start().unwrap();
        let answers = async || get(&document).try_send().await.is_ok_and(|answer| answer.status == 200);
        process.ready(answers).await.unwrap();
        Self { process, issuer, secret, _folder: folder }
    }

    /// A system whose admin knows the provider as `issuer`, through variables alone.
    fn stack(&self, issuer: &str) -> Builder {
        Stack::builder()
            .admin("ADMIN_PUBLIC_URL", PUBLIC_URL)
            .admin("ADMIN_OAUTH_OPENID", "acme")
            .admin("ADMIN_OAUTH_ACME_ISSUER", issuer)
            .admin("ADMIN_OAUTH_ACME_CLIENT_ID", CLIENT_ID)
            .admin("ADMIN_OAUTH_ACME_CLIENT_SECRET", &self.secret)
            .admin("ADMIN_OAUTH_ACME_NAME", "Acme")
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openid").join(name)
}

/// A browser with cookies that knows two hosts: the gateway and the provider.
struct Browser {
    gateway: String,
    issuer: String,
    cookies: Vec<Cookie>,
}

/// A cookie of one path on one host (RFC 6265).
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

/// The page that a browser shows.
struct Page {
    at: Url,
    status: u16,
    head: String,
    body: String,
}

impl Browser {
    fn new(stack: &Stack, acme: &Acme) -> Self {
        Self { gateway: stack.gateway(""), issuer: acme.issuer.clone(), cookies: Vec::new() }
    }

    /// Begins a sign-in, and returns the provider's first page.
    async fn begin(&mut self) -> Page {
        self.open(format!("{PUBLIC_URL}{LOGIN}").parse().unwrap()).await
    }

    /// Signs in as the provider's user with this name, and submits every form that the provider shows.
    async fn sign_in(&mut self, name: &str) -> Pair {
        let mut page = self.begin().await;
        while let Some(action) = page.between("action=\"", "\"") {
            let action = page.at.join(action).unwrap();
            let form = match page.between("name=\"prompt\" value=\"", "\"") {
                Some("login") => format!("prompt=login&login={name}&password=any"),
                Some("consent") => "prompt=consent".to_owned(),
                _ => panic!("an unknown form: {}", page.body),
            };
            let answer = self.ask("POST", action, &form).await;
            page = self.follow(answer).await;
        }
        assert_eq!(page.status, 200, "{}", page.body);
        let pair = page.json();
        let field = |name: &str| pair[name].as_str().expect(name).to_owned();
        Pair { access: field("access_token"), refresh: field("refresh_token"), session: field("session_id") }
    }

    async fn open(&mut self, url: Url) -> Page {
        let answer = self.ask("GET", url, "").await;
        self.follow(answer).await
    }

    /// Follows redirects until an answer is a page.
    async fn follow(&mut self, mut answer: Page) -> Page {
        for _ in 0..REDIRECTS {
            let Some(location) = answer.headers("location").next() else { return answer };
            assert!(matches!(answer.status, 302 | 303), "{}", answer.head);
            let url = answer.at.join(location).unwrap();
            answer = self.ask("GET", url, "").await;
        }
        panic!("too many redirects, the last at {}", answer.at);
    }

    /// One request and its answer, at the gateway or at the provider.
    async fn ask(&mut self, method: &str, url: Url, form: &str) -> Page {
        let origin = url.origin().ascii_serialization();
        let server = if origin == PUBLIC_URL { &self.gateway } else { &self.issuer };
        assert!(origin == PUBLIC_URL || origin == self.issuer, "sent to an unknown host: {origin}");
        let question = format!(
            "{method} {} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nAccept: text/html,*/*;q=0.8\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            &url[url::Position::BeforePath..],
            &url[url::Position::BeforeHost..url::Position::AfterPort],
            self.cookies_for(&url),
            form.len(),
        );
        let answer = raw(server, question.as_bytes()).await.unwrap();
        let page = Page::read(url, &answer);
        for line in page.headers("set-cookie") {
            self.keep(&page.at, line);
        }
        page
    }

    fn cookies_for(&self, url: &Url) -> String {
        let fits = |cookie: &&Cookie| cookie.host == url.authority() && url.path().starts_with(&cookie.path);
        let cookies = self.cookies.iter().filter(fits);
        cookies.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect::<Vec<_>>().join("; ")
    }

    /// Stores a cookie in place of the earlier one; a cookie without a value deletes it.
    fn keep(&mut self, url: &Url, line: &str) {
        let mut parts = line.split(';').map(|part| part.trim().split_once('=').unwrap_or((part.trim(), "")));
        let (name, value) = parts.next().unwrap();
        let path = parts.find(|(attribute, _)| attribute.eq_ignore_ascii_case("path")).unwrap().1;
        let host = url.authority();
        self.cookies.retain(|kept| (&*kept.host, &*kept.path, &*kept.name) != (host, path, name));
        if !value.is_empty() {
            let [host, path, name, value] = [host, path, name, value].map(str::to_owned);
            self.cookies.push(Cookie { host, path, name, value });
        }
    }
}

impl Page {
    fn read(at: Url, answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP response");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Self { at, status, head: head.to_owned(), body: body.to_owned() }
    }

    fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The first text of the page between these two texts.
    fn between(&self, before: &str, after: &str) -> Option<&str> {
        self.body.split_once(before)?.1.split_once(after).map(|(text, _)| text)
    }
}
