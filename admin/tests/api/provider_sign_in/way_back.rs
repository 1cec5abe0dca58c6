//! What browsers do on the way back from a provider: fetch in advance, repeat requests, and send long codes.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use mock_providers::Provider::{GitHub, Google, X};
use mock_providers::{Fault, Provider};
use reqwest::Method;
use serde_json::json;
use url::Url;

use crate::support::{Browser, Cinema, PAGE, PASSWORD, Pair, Reply, redis_of};
use crate::witness::session_of;

/// What Chrome, Firefox and Safari send when no person has asked.
const PREFETCHES: [(&str, &str); 5] = [
    ("sec-purpose", "prefetch"),
    ("sec-purpose", "prefetch;prerender"),
    ("purpose", "prefetch"),
    ("x-moz", "prefetch"),
    ("x-purpose", "preview"),
];

/// A flow at GitHub that anna has finished there; returns the path and query of the callback.
async fn returned(browser: &mut Browser, provider: Provider, query: &str) -> String {
    let at = browser.start_flow(provider, query).await;
    browser.choose(&at, "anna").await
}

/// The query that names the page.
fn to_page(page: &str) -> String {
    let page: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
    format!("?return_to={page}")
}

fn parameter(address: &str, name: &str) -> Option<String> {
    let url: Url = address.parse().unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

async fn exchange(browser: &Browser, code: &str) -> Reply {
    let body = json!({ "one_time_code": code });
    browser.call(Method::POST, "/api/v1/oauth/exchange").json(&body).send().await
}

async fn confirm(browser: &Browser, flow: &str, password: &str) -> Reply {
    let body = json!({ "flow": flow, "password": password });
    browser.call(Method::POST, "/api/v1/oauth/link/confirm").json(&body).send().await
}

/// The sessions that exist.
async fn sessions(cinema: &Cinema) -> i64 {
    let sql = "select count(*) from auth.sessions";
    cinema.app.sql().await.query_one(sql, &[]).await.unwrap().get(0)
}

/// A user with a password and a verified address, and the flow to link an identity with that address.
async fn to_be_confirmed(cinema: &Cinema) -> (Browser, String) {
    cinema.app.client.new_user("neo@example.org").await;
    let verified = "update auth.users set verified_email_key = email_key";
    cinema.app.sql().await.batch_execute(verified).await.unwrap();
    cinema.add_person(GitHub, "neo", Some("neo@example.org"), true);
    let mut browser = cinema.browser();
    let reply = browser.try_to_sign_in(GitHub, "neo").await;
    let flow = reply.problem(409, "link_confirmation_required")["flow"].as_str().unwrap().to_owned();
    (browser, flow)
}

/// The one key of this kind of one-time value, and its seconds to live.
async fn stored(cinema: &Cinema, kind: &str) -> (String, i64) {
    let mut redis = redis_of(&cinema.app.vars["REDIS_URL"]).await;
    let pattern = format!("{}oauth:{kind}:*", cinema.app.vars["REDIS_PREFIX"]);
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await.unwrap();
    assert_eq!(keys.len(), 1, "{keys:?}");
    let life = redis::cmd("TTL").arg(&keys[0]).query_async(&mut redis).await.unwrap();
    (keys[0].clone(), life)
}

/// Lets the one value of this kind end in half a minute.
async fn ends_soon(cinema: &Cinema, kind: &str) {
    let (key, _) = stored(cinema, kind).await;
    let mut redis = redis_of(&cinema.app.vars["REDIS_URL"]).await;
    let () = redis::cmd("EXPIRE").arg(key).arg(30).query_async(&mut redis).await.unwrap();
}

#[tokio::test]
async fn a_prefetch_uses_nothing_up() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let back = returned(&mut browser, GitHub, "").await;
    for (name, value) in PREFETCHES {
        for path in [&*back, "/api/v1/oauth/github/login"] {
            let reply = browser.call(Method::GET, path).header(name, value).send().await;
            assert!(!reply.headers.contains_key("set-cookie"), "{name}: {value}");
            reply.problem(403, "prefetch_refused");
        }
    }
    assert_eq!(cinema.providers.requests(GitHub).token, 0);
    browser.call_back(&back).await.pair();
}

#[tokio::test]
async fn a_request_of_another_client_or_at_another_provider_uses_nothing_up() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        let (mut browser, mut another) = (cinema.browser(), cinema.browser());
        another.start_flow(Google, "").await;
        let back = returned(&mut browser, provider, "").await;
        let elsewhere = if provider == GitHub { X } else { GitHub };
        let misdirected = back.replace(&format!("/{provider}/"), &format!("/{elsewhere}/"));
        for (client, path) in [(&another, &back), (&cinema.browser(), &back), (&browser, &misdirected)] {
            client.call_back(path).await.problem(400, "state_invalid");
        }
        assert_eq!(cinema.providers.requests(provider).token, 0, "{provider}");
        let status = browser.call_back(&back).await.status;
        assert!([200, 409].contains(&status), "{provider} {status}");
        assert_eq!(cinema.providers.requests(provider).token, 1, "{provider}");
    }
}

#[tokio::test]
async fn another_clients_one_time_code_and_link_are_not_used_up() {
    let cinema = Cinema::start().await;
    let (browser, flow) = to_be_confirmed(&cinema).await;
    let mut another = cinema.browser();
    another.start_flow(Google, "").await;
    for client in [&another, &cinema.browser()] {
        confirm(client, &flow, PASSWORD).await.problem(410, "code_expired");
    }
    confirm(&browser, &flow, PASSWORD).await.pair();

    let mut browser = cinema.browser();
    let back = returned(&mut browser, GitHub, &to_page(PAGE)).await;
    let page = browser.call_back(&back).await.expect(303);
    let code = parameter(page.header("location"), "one_time_code").unwrap();
    for client in [&another, &cinema.browser()] {
        exchange(client, &code).await.problem(410, "code_expired");
    }
    exchange(&browser, &code).await.pair();
}

#[tokio::test]
async fn a_repeated_callback_leads_to_the_same_page_and_session() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let back = returned(&mut browser, GitHub, &to_page(PAGE)).await;
    let (first, second) =
        (browser.call_back(&back).await.expect(303), browser.call_back(&back).await.expect(303));
    assert_eq!(first.header("location"), second.header("location"));
    let code = parameter(first.header("location"), "one_time_code").unwrap();
    let (one, other) = (exchange(&browser, &code).await.pair(), exchange(&browser, &code).await.pair());
    assert_eq!((&one.session, &one.refresh), (&other.session, &other.refresh));
    for pair in [&one, &other] {
        cinema.me(pair).await;
    }
    // Also the callback, after its code was used.
    let third = browser.call_back(&back).await.expect(303);
    assert_eq!(third.header("location"), first.header("location"));
    assert_eq!((cinema.providers.requests(GitHub).token, sessions(&cinema).await), (1, 1));
}

#[tokio::test]
async fn a_repeated_callback_without_a_page_has_the_same_session_or_problem() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let back = returned(&mut browser, GitHub, "").await;
    let (one, other) = (browser.call_back(&back).await.pair(), browser.call_back(&back).await.pair());
    assert_eq!((&one.session, &one.refresh), (&other.session, &other.refresh));
    // With another code the state is not valid any more.
    browser.call_back(&format!("{back}x")).await.problem(400, "state_invalid");
    // A newer refresh token of the session is returned as it is.
    let newer = cinema.app.client.refresh(&one.refresh).await.pair();
    assert_eq!(browser.call_back(&back).await.pair().refresh, newer.refresh);

    let at = browser.start_flow(X, "").await;
    let denied = browser.choose(&at, "refuse").await;
    for _ in 0..2 {
        browser.call_back(&denied).await.problem(403, "access_denied");
    }
    cinema.providers.set_fault(X, Fault::ErrorIn200);
    let failed = returned(&mut browser, X, "").await;
    for _ in 0..2 {
        browser.call_back(&failed).await.problem(502, "provider_error");
    }
    assert_eq!(cinema.providers.requests(X).token, 1);
}

#[tokio::test]
async fn a_repeated_link_or_confirmation_has_the_same_answer() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = cinema.app.client.new_user("trinity@example.org").await;
    let reply = browser.call(Method::POST, "/api/v1/me/accounts/google").bearer(&pair.access).send().await;
    let reply = reply.expect(200);
    browser.keep(&reply);
    let at = reply.json()["authorize_url"].as_str().unwrap().parse().unwrap();
    let back = browser.choose(&at, "anna").await;
    for _ in 0..2 {
        assert_eq!(browser.call_back(&back).await.expect(200).json(), json!({ "linked": "google" }));
    }

    let (mut browser, flow) = to_be_confirmed(&cinema).await;
    let at = browser.start_flow(GitHub, "").await;
    let back = browser.choose(&at, "neo").await;
    let again =
        async || browser.call_back(&back).await.problem(409, "link_confirmation_required")["flow"].clone();
    assert_eq!(again().await, again().await, "the flow is the same");
    let (one, other) =
        (confirm(&browser, &flow, PASSWORD).await.pair(), confirm(&browser, &flow, PASSWORD).await.pair());
    assert_eq!(one.session, other.session);
    // Without the password nothing is repeated.
    for wrong in ["", "another password"] {
        confirm(&browser, &flow, wrong).await.problem(410, "code_expired");
    }
}

#[tokio::test]
async fn requests_at_the_same_time_have_one_session() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let back = returned(&mut browser, GitHub, &to_page(PAGE)).await;
    let pages = join_all((0..6).map(|_| browser.call_back(&back))).await;
    let pages: BTreeSet<_> =
        pages.into_iter().map(|page| page.expect(303).header("location").to_owned()).collect();
    assert_eq!(pages.len(), 1);
    let code = parameter(pages.first().unwrap(), "one_time_code").unwrap();
    let pairs: Vec<Pair> =
        join_all((0..6).map(|_| exchange(&browser, &code))).await.into_iter().map(Reply::pair).collect();
    let opened: BTreeSet<_> = pairs.iter().map(session_of).collect();
    assert_eq!((opened.len(), sessions(&cinema).await), (1, 1));
    assert_eq!(cinema.providers.requests(GitHub).token, 1);
}

#[tokio::test]
async fn a_repeated_request_does_not_revive_a_session_that_has_ended() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let back = returned(&mut browser, GitHub, "").await;
    let pair = browser.call_back(&back).await.pair();
    cinema.app.client.post("/api/v1/auth/logout").bearer(&pair.access).send().await.expect(204);
    browser.call_back(&back).await.problem(400, "state_invalid");

    let back = returned(&mut browser, GitHub, &to_page(PAGE)).await;
    let page = browser.call_back(&back).await.expect(303);
    let code = parameter(page.header("location"), "one_time_code").unwrap();
    let pair = exchange(&browser, &code).await.pair();
    let everywhere = cinema.app.client.post("/api/v1/auth/logout-all").bearer(&pair.access);
    everywhere.send().await.expect(200);
    exchange(&browser, &code).await.problem(410, "code_expired");
    assert_eq!(sessions(&cinema).await, 2, "no session was opened again");
}

#[tokio::test]
async fn a_result_is_kept_for_a_minute_without_a_token_or_code() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let back = returned(&mut browser, GitHub, &to_page(PAGE)).await;
    let page = browser.call_back(&back).await.expect(303);
    let code = parameter(page.header("location"), "one_time_code").unwrap();
    let pair = exchange(&browser, &code).await.pair();
    let mut redis = redis_of(&cinema.app.vars["REDIS_URL"]).await;
    for kind in ["authorization", "sign-in"] {
        let (key, life) = stored(&cinema, kind).await;
        assert!((1..=60).contains(&life), "{kind} {life}");
        let kept: Vec<String> = redis::cmd("HGETALL").arg(key).query_async(&mut redis).await.unwrap();
        let kept = kept.join(" ");
        assert!(kept.len() < 512, "{kept}");
        for secret in
            [&code, &pair.access, &pair.refresh, browser.cookie().unwrap().split_once('=').unwrap().1]
        {
            assert!(!kept.contains(secret), "{kind}: {kept}");
        }
    }
}

#[tokio::test]
async fn no_attempt_moves_the_end_of_a_flow_or_code() {
    let cinema = Cinema::start().await;
    let (mut browser, flow) = to_be_confirmed(&cinema).await;
    ends_soon(&cinema, "link").await;
    for _ in 0..2 {
        confirm(&browser, &flow, "wrong").await.problem(401, "invalid_credentials");
        let (_, life) = stored(&cinema, "link").await;
        assert!((1..=30).contains(&life), "{life}");
    }
    confirm(&browser, &flow, PASSWORD).await.pair();

    let back = returned(&mut browser, GitHub, &to_page(PAGE)).await;
    let page = browser.call_back(&back).await.expect(303);
    let code = parameter(page.header("location"), "one_time_code").unwrap();
    ends_soon(&cinema, "sign-in").await;
    let sql = cinema.app.sql().await;
    sql.batch_execute("alter table auth.sessions rename to gone").await.unwrap();
    exchange(&browser, &code).await.problem(500, "internal");
    sql.batch_execute("alter table auth.gone rename to sessions").await.unwrap();
    let (_, life) = stored(&cinema, "sign-in").await;
    assert!((1..=30).contains(&life), "{life}");
    exchange(&browser, &code).await.pair();
}

#[tokio::test]
async fn sixteen_requests_wait_for_an_attempt_and_the_others_are_refused_at_once() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let back = returned(&mut browser, GitHub, &to_page(PAGE)).await;
    let (key, _) = stored(&cinema, "authorization").await;
    let mut redis = redis_of(&cinema.app.vars["REDIS_URL"]).await;
    // Another process has just claimed the flow.
    let (now, _): (i64, i64) = redis::cmd("TIME").query_async(&mut redis).await.unwrap();
    let mut claim = redis::cmd("HSET");
    claim.arg(&key).arg("attempt").arg("of another").arg("since").arg(now + 60);
    let _fields: i64 = claim.query_async(&mut redis).await.unwrap();
    let mut requests: FuturesUnordered<_> = (0..20).map(|_| browser.call_back(&back)).collect();
    for _ in 0..4 {
        requests.next().await.unwrap().problem(503, "overloaded");
    }
    // The other process gives it up.
    let mut release = redis::cmd("HDEL");
    let _fields: i64 = release.arg(&key).arg("attempt").query_async(&mut redis).await.unwrap();
    let pages: Vec<Reply> = requests.collect().await;
    let pages: BTreeSet<_> =
        pages.into_iter().map(|page| page.expect(303).header("location").to_owned()).collect();
    assert!(pages.len() == 1 && pages.first().unwrap().contains("?one_time_code="), "{pages:?}");
}

#[tokio::test]
async fn an_attempt_that_was_lost_can_be_made_again() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let back = returned(&mut browser, GitHub, "").await;
    // A process claimed the flow a minute ago, and ended.
    let (key, _) = stored(&cinema, "authorization").await;
    let mut redis = redis_of(&cinema.app.vars["REDIS_URL"]).await;
    let (now, _): (i64, i64) = redis::cmd("TIME").query_async(&mut redis).await.unwrap();
    let mut lost = redis::cmd("HSET");
    lost.arg(key).arg("attempt").arg("lost").arg("since").arg(now - 60);
    let _fields: i64 = lost.query_async(&mut redis).await.unwrap();
    browser.call_back(&back).await.pair();
}

#[tokio::test]
async fn a_code_of_eight_kilobytes_with_any_visible_character_is_exchanged() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        cinema.providers.set_fault(provider, Fault::LongCode);
        let mut browser = cinema.browser();
        let back = returned(&mut browser, provider, "").await;
        let code = parameter(&format!("https://cinema.test{back}"), "code").unwrap();
        assert_eq!((code.len(), code.contains(' '), code.contains('~')), (8192, true, true));
        browser.call_back(&back).await.pair();
    }
}

#[tokio::test]
async fn an_id_token_with_a_thousand_groups_identifies_a_user() {
    let cinema = Cinema::start().await;
    cinema.providers.set_fault(Google, Fault::LargeIdToken);
    cinema.browser().sign_in(Google, "anna").await;
}
