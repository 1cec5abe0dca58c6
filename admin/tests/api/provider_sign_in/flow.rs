//! Flows: browsers, pages, apps, and flows that cannot be finished.

use mock_providers::{Fault, Provider};
use reqwest::Method;
use serde_json::json;
use url::Url;

use crate::support::{Browser, CLIENT_SECRET, Cinema, PAGE, Reply, redis_of, until};
use crate::witness::user_of;

/// A whole flow that returns to a page; returns the URL of the page.
async fn to_the_page(browser: &mut Browser, provider: Provider, person: &str) -> Url {
    let page: String = url::form_urlencoded::byte_serialize(PAGE.as_bytes()).collect();
    let at = browser.start_flow(provider, &format!("?return_to={page}")).await;
    let back = browser.choose(&at, person).await;
    let reply = browser.call_back(&back).await.expect(303);
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    let page: Url = reply.header("location").parse().unwrap();
    assert!(page.as_str().starts_with(&format!("{PAGE}?")), "{page}");
    page
}

pub(super) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

async fn exchange(browser: &Browser, code: &str) -> Reply {
    let body = json!({ "one_time_code": code });
    browser.call(Method::POST, "/api/v1/oauth/exchange").json(&body).send().await
}

#[tokio::test]
async fn an_authorization_request_has_all_parameters_and_sets_the_cookie() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        let reply =
            cinema.browser().call(Method::GET, &format!("/api/v1/oauth/{provider}/login")).send().await;
        let at: Url = reply.header("location").parse().unwrap();
        assert_eq!(parameter(&at, "response_type").as_deref(), Some("code"));
        assert_eq!(parameter(&at, "code_challenge_method").as_deref(), Some("S256"), "{provider}");
        assert_eq!(parameter(&at, "state").unwrap().len(), 43);
        let back = format!("https://cinema.test/api/v1/oauth/{provider}/callback");
        assert_eq!(parameter(&at, "redirect_uri"), Some(back), "each provider has a way back of its own");
        assert_eq!(parameter(&at, "nonce").is_some(), provider == Provider::Google);
        assert!(!at.as_str().contains(CLIENT_SECRET));
        let cookie = reply.header("set-cookie");
        assert!(cookie.starts_with("__Host-oauth="), "{cookie}");
        assert!(cookie.ends_with("; Path=/; Max-Age=1260; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn two_tabs_of_one_browser_sign_in_at_the_same_time() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let first = browser.start_flow(Provider::GitHub, "").await;
    let second = browser.start_flow(Provider::Google, "").await;
    for (at, person) in [(first, "anna"), (second, "egor")] {
        let back = browser.choose(&at, person).await;
        browser.call_back(&back).await.expect(200);
    }
}

#[tokio::test]
async fn a_page_gets_a_code_and_never_a_token() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let page = to_the_page(&mut browser, Provider::GitHub, "anna").await;
    let code = parameter(&page, "one_time_code").unwrap();
    assert_eq!(page.query_pairs().count(), 1, "{page}");
    // The code is invalid in another browser.
    let mut thief = cinema.browser();
    thief.start_flow(Provider::Google, "").await;
    exchange(&thief, &code).await.problem(410, "code_expired");

    let pair = exchange(&browser, &code).await.pair();
    assert_eq!(cinema.me(&pair).await["email"], "anna@github.example.org");
    exchange(&thief, &code).await.problem(410, "code_expired");
    exchange(&browser, &"a".repeat(43)).await.problem(410, "code_expired");
    for malformed in ["", "a", &"я".repeat(43)] {
        exchange(&browser, malformed).await.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn a_page_gets_the_code_of_a_problem() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "refuse")]).await;
    let mut browser = cinema.browser();
    let refused = to_the_page(&mut browser, Provider::Yandex, "refuse").await;
    assert_eq!(parameter(&refused, "error").as_deref(), Some("access_denied"));
    let unproved = to_the_page(&mut browser, Provider::Yandex, "boris").await;
    assert_eq!(parameter(&unproved, "error").as_deref(), Some("email_proof_required"));
    cinema.providers.set_fault(Provider::Yandex, Fault::Token500);
    let failed = to_the_page(&mut browser, Provider::Yandex, "anna").await;
    assert_eq!(parameter(&failed, "error").as_deref(), Some("provider_error"));
    // With the flow, if the user can continue with it.
    cinema.app.client.new_user("neo@example.org").await;
    cinema
        .app
        .sql()
        .await
        .batch_execute("update auth.users set verified_email_key = email_key")
        .await
        .unwrap();
    cinema.add_person(Provider::GitHub, "neo", Some("neo@example.org"), true);
    let asked = to_the_page(&mut browser, Provider::GitHub, "neo").await;
    assert_eq!(parameter(&asked, "error").as_deref(), Some("link_confirmation_required"));
    assert_eq!(parameter(&asked, "flow").unwrap().len(), 43);
}

#[tokio::test]
async fn with_an_unknown_state_a_browser_is_redirected_and_a_program_gets_the_problem() {
    let cinema = Cinema::start().await;
    let state = "s".repeat(43);
    for (query, code) in [
        (format!("?state={state}&code=a"), "state_invalid"),
        (format!("?state={state}&code=a&code=b"), "request_malformed"),
    ] {
        let path = format!("/api/v1/oauth/github/callback{query}");
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let reply = cinema.app.client.get(&path).header("accept", browser).send().await.expect(303);
        assert_eq!(reply.header("location"), format!("{PAGE}?error={code}"));
        for accept in ["*/*", "application/json"] {
            cinema.app.client.get(&path).header("accept", accept).send().await.problem(400, code);
        }
    }
}

#[tokio::test]
async fn a_code_is_refused_after_the_account_was_unlinked_or_disabled() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let page = to_the_page(&mut browser, Provider::GitHub, "anna").await;
    let sql = cinema.app.sql().await;
    sql.batch_execute("update auth.users set status = 'disabled'").await.unwrap();
    exchange(&browser, &parameter(&page, "one_time_code").unwrap()).await.problem(403, "account_disabled");
    sql.batch_execute("update auth.users set status = 'active'").await.unwrap();
    let page = to_the_page(&mut browser, Provider::GitHub, "anna").await;
    sql.batch_execute("delete from auth.oauth_accounts").await.unwrap();
    exchange(&browser, &parameter(&page, "one_time_code").unwrap()).await.problem(410, "code_expired");
}

#[tokio::test]
async fn a_code_can_be_used_again_after_an_error_of_the_service() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let page = to_the_page(&mut browser, Provider::GitHub, "anna").await;
    let code = parameter(&page, "one_time_code").unwrap();
    let sql = cinema.app.sql().await;
    sql.batch_execute("alter table auth.sessions rename to gone").await.unwrap();
    exchange(&browser, &code).await.problem(500, "internal");
    sql.batch_execute("alter table auth.gone rename to sessions").await.unwrap();
    exchange(&browser, &code).await.pair();
}

#[tokio::test]
async fn head_is_refused_and_changes_nothing() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let at = browser.start_flow(Provider::GitHub, "").await;
    let back = browser.choose(&at, "anna").await;
    for path in ["/api/v1/oauth/github/login", &back] {
        let reply = browser.call(Method::HEAD, path).send().await.expect(405);
        assert!(!reply.header("allow").contains("HEAD"));
    }
    browser.call_back(&back).await.pair();
}

#[tokio::test]
async fn a_browser_returns_to_the_page_when_the_provider_is_unavailable() {
    let cinema = Cinema::start().await;
    cinema.providers.set_fault(Provider::GitHub, Fault::Token500);
    for _ in 0..5 {
        cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await.expect(502);
    }
    let page: String = url::form_urlencoded::byte_serialize(PAGE.as_bytes()).collect();
    let path = format!("/api/v1/oauth/github/login?return_to={page}");
    let reply = cinema.app.client.get(&path).send().await.expect(303);
    assert_eq!(reply.header("location"), format!("{PAGE}?error=provider_unavailable"));
    let json = cinema.app.client.get(&path).header("accept", "application/json").send().await;
    json.problem(503, "provider_unavailable");
}

#[tokio::test]
async fn sign_ins_in_progress_do_not_fill_redis() {
    let cinema = Cinema::start().await;
    let mut redis = redis_of(&cinema.app.vars["REDIS_URL"]).await;
    let ends = format!("{}oauth:authorization-ends", cinema.app.vars["REDIS_PREFIX"]);
    let (now, _): (i64, i64) = redis::cmd("TIME").query_async(&mut redis).await.unwrap();
    // Begun at different times within the last ten minutes, and all but one of the possible ones.
    add_ends(&mut redis, &ends, 0..30_000, now + 300).await;
    add_ends(&mut redis, &ends, 30_000..59_999, now + 600).await;
    cinema.browser().start_flow(Provider::GitHub, "").await;
    let login = || cinema.app.client.get("/api/v1/oauth/github/login").send();
    login().await.problem(503, "overloaded");
    login().await.problem(503, "overloaded");
    let life: i64 = redis::cmd("TTL").arg(&ends).query_async(&mut redis).await.unwrap();
    assert!((300..=601).contains(&life), "{life}");
    // Those that have ended are not counted.
    add_ends(&mut redis, &ends, 0..2, now - 1).await;
    cinema.browser().start_flow(Provider::GitHub, "").await;
    cinema.browser().start_flow(Provider::GitHub, "").await;
    login().await.problem(503, "overloaded");
}

/// Writes the ends of flows that are not there.
async fn add_ends(
    redis: &mut redis::aio::MultiplexedConnection,
    ends: &str,
    names: std::ops::Range<u32>,
    end: i64,
) {
    let mut add = redis::cmd("ZADD");
    add.arg(ends);
    for name in names {
        add.arg(end).arg(name);
    }
    let _added: i64 = add.query_async(redis).await.unwrap();
}

/// The counted values of a kind.
async fn counted(cinema: &Cinema, kind: &str) -> Vec<(String, i64)> {
    let mut redis = redis_of(&cinema.app.vars["REDIS_URL"]).await;
    let ends = format!("{}oauth:{kind}-ends", cinema.app.vars["REDIS_PREFIX"]);
    let mut all = redis::cmd("ZRANGE");
    all.arg(ends).arg(0).arg(-1).arg("WITHSCORES");
    all.query_async(&mut redis).await.unwrap()
}

#[tokio::test]
async fn each_stored_value_is_counted_until_its_end() {
    let cinema = Cinema::start().await;
    let mut redis = redis_of(&cinema.app.vars["REDIS_URL"]).await;
    let (now, _): (i64, i64) = redis::cmd("TIME").query_async(&mut redis).await.unwrap();
    let page: String = url::form_urlencoded::byte_serialize(PAGE.as_bytes()).collect();
    let mut browser = cinema.browser();
    let at = browser.start_flow(Provider::GitHub, &format!("?return_to={page}")).await;
    let flow = counted(&cinema, "authorization").await;
    assert!(flow.len() == 1 && flow[0].1 > now + 600, "{flow:?}");
    let back = browser.choose(&at, "anna").await;
    let page = browser.call_back(&back).await.expect(303);
    // The result is kept for a minute, and so is what follows.
    let (finished, code) = (counted(&cinema, "authorization").await, counted(&cinema, "sign-in").await);
    assert_eq!((finished.len(), code.len(), &finished[0].0), (1, 1, &flow[0].0));
    for end in [finished[0].1, code[0].1] {
        assert!(end > now + 60 && end < flow[0].1, "{now} {end}");
    }
    let unlinked = "delete from auth.oauth_accounts";
    cinema.app.sql().await.batch_execute(unlinked).await.unwrap();
    let at = page.header("location").to_owned();
    exchange(&browser, &parameter(&at.parse().unwrap(), "one_time_code").unwrap())
        .await
        .problem(410, "code_expired");
    assert_eq!(counted(&cinema, "sign-in").await, [], "a deleted value is not counted");
}

#[tokio::test]
async fn a_browser_returns_only_to_a_page_of_the_operators_list() {
    let cinema = Cinema::start().await;
    for page in [
        "https://evil.example/",
        "https://cinema.test/sign-in",
        "https://cinema.test/sign-in/#a",
        "https://cinema.test.evil.example/sign-in/",
        "https://cinema.test@evil.example/sign-in/",
        "//cinema.test/sign-in/",
        "/sign-in/",
        "javascript:alert(1)",
        "http://cinema.test/sign-in/",
        "",
    ] {
        let page: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
        let path = format!("/api/v1/oauth/github/login?return_to={page}");
        cinema.app.client.get(&path).send().await.problem(422, "return_to_not_allowed");
    }
    for query in ["?return_to=a&return_to=b", "?code_challenge=short"] {
        let path = format!("/api/v1/oauth/github/login{query}");
        cinema.app.client.get(&path).send().await.problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn an_app_with_cookies_posts_the_parameters_of_the_callback() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let begun = browser.call(Method::GET, "/api/v1/oauth/github/login").header("accept", "application/json");
    let begun = begun.send().await.expect(200);
    browser.keep(&begun);
    let at: Url = begun.json()["authorize_url"].as_str().unwrap().parse().unwrap();
    let back: Url = format!("https://cinema.test{}", browser.choose(&at, "anna").await).parse().unwrap();
    let body = json!({ "state": parameter(&back, "state"), "code": parameter(&back, "code") });
    let post =
        |browser: &Browser| browser.call(Method::POST, "/api/v1/oauth/github/callback").json(&body).send();
    post(&browser).await.pair();
    post(&cinema.browser()).await.problem(400, "state_invalid");
}

#[tokio::test]
async fn an_app_learns_every_missing_parameter_at_once() {
    let cinema = Cinema::start().await;
    let state = "a".repeat(43);
    for (provider, body, expected) in [
        ("github", json!({}), &["code", "state"][..]),
        ("github", json!({ "state": state }), &["code"]),
        ("vk", json!({}), &["code", "device_id", "state"]),
        ("vk", json!({ "code": "a", "code_verifier": "short" }), &["code_verifier", "device_id", "state"]),
        ("vk", json!({ "error": "access_denied" }), &["state"]),
    ] {
        let path = format!("/api/v1/oauth/{provider}/callback");
        let sent = cinema.app.client.post(&path).json(&body).send().await;
        let problem = sent.problem(422, "validation_failed");
        let errors = problem["errors"].as_array().unwrap();
        let mut fields: Vec<_> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        fields.sort_unstable();
        assert_eq!(fields, expected, "{provider} {body}");
    }
}

#[tokio::test]
async fn a_malformed_callback_is_refused_without_a_request_to_the_provider() {
    let cinema = Cinema::start().await;
    let state = "a".repeat(43);
    let long = "a".repeat(8193);
    for query in [
        "",
        "?code=a",
        &format!("?state={state}"),
        &format!("?state={state}&code="),
        &format!("?state={state}&code=a&code=b"),
        &format!("?state={state}&state={state}&code=b"),
        &format!("?state={state}&code={long}"),
        &format!("?state={state}&code=%00"),
        &format!("?state={state}&code=a"),
        &format!("?state={state}&code=a&device_id={long}"),
        &format!("?state={state}&code=a&iss={long}"),
        &format!("?state={state}&error={long}"),
        &format!("?state={state}&code=%D1%8F"),
        "?state=a&error=access_denied",
        "?state=%ff&code=a",
    ] {
        let reply = cinema.app.client.get(&format!("/api/v1/oauth/github/callback{query}")).send().await;
        assert_eq!(reply.status, 400, "{query} {reply:?}");
        let code = reply.json()["code"].as_str().unwrap().to_owned();
        assert!(["request_malformed", "state_invalid"].contains(&&*code), "{query} {code}");
        reply.problem(400, &code);
    }
    assert_eq!(cinema.providers.requests(Provider::GitHub).token, 0);
}

#[tokio::test]
async fn without_redis_sign_in_through_a_provider_fails_and_sign_in_with_a_password_works() {
    let cinema = Cinema::start().await;
    let mut vars = cinema.app.vars.clone();
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    vars.insert("REDIS_URL", format!("redis://{unused}"));
    let app = crate::support::TestApp::launch_on(vars).await;
    until("users can sign in", async || {
        (app.client.register("neo@example.org").await.status == 201).then_some(())
    })
    .await;
    app.client.get("/api/v1/oauth/github/login").send().await.problem(503, "dependency_unavailable");
    let state = "a".repeat(43);
    let back = format!("/api/v1/oauth/github/callback?code=a&state={state}");
    app.client.get(&back).send().await.problem(503, "dependency_unavailable");
    let person = app.client.get(&back).header("accept", "text/html").send().await.expect(303);
    assert_eq!(person.header("location"), format!("{PAGE}?error=dependency_unavailable"));
    let body = json!({ "one_time_code": state });
    app.client.post("/api/v1/oauth/exchange").json(&body).send().await.problem(503, "dependency_unavailable");
    app.client.sign_in("neo@example.org").await;
}

#[tokio::test]
async fn a_stored_flow_expires_and_does_not_reveal_its_state() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let at = browser.start_flow(Provider::GitHub, "").await;
    let state = parameter(&at, "state").unwrap();
    let mut redis = redis_of(&cinema.app.vars["REDIS_URL"]).await;
    let pattern = format!("{}oauth:authorization:*", cinema.app.vars["REDIS_PREFIX"]);
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert!(!keys[0].contains(&state));
    let life: i64 = redis::cmd("TTL").arg(&keys[0]).query_async(&mut redis).await.unwrap();
    assert!((590..=600).contains(&life), "{life}");
    // After a loss of the flow the user starts again.
    let _gone: i64 = redis::cmd("DEL").arg(&keys[0]).query_async(&mut redis).await.unwrap();
    let back = browser.choose(&at, "anna").await;
    browser.call_back(&back).await.problem(400, "state_invalid");
    browser.sign_in(Provider::GitHub, "anna").await;
}

#[tokio::test]
async fn callbacks_are_counted_by_provider_and_outcome() {
    let cinema = Cinema::start().await;
    let pair = cinema.browser().sign_in(Provider::GitHub, "anna").await;
    cinema.browser().try_to_sign_in(Provider::GitHub, "refuse").await.problem(403, "access_denied");
    let metrics = cinema.app.ops.get("/metrics").send().await.expect(200).text;
    for outcome in ["accepted", "access_denied"] {
        let line =
            format!("usher_admin_provider_callbacks_total{{provider=\"github\",outcome=\"{outcome}\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
    let told = "select event from auth.login_history where user_id = $1";
    let told = cinema.app.sql().await.query_one(told, &[&user_of(&pair)]).await.unwrap();
    assert_eq!(told.get::<_, &str>(0), "oauth_login");
}
