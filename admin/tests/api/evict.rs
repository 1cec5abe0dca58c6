//! Evicting intruders from an account.

use std::time::SystemTime;

use mock_providers::Provider::{GitHub, Google, X};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::locks::{holding, let_go};
use crate::support::{Browser, Cinema, PAGE, PASSWORD, Pair, Reply};
use crate::witness::{beside, blocked, dead, items_of, superuser, user_of};

const NEO: &str = "neo@example.org";

async fn evict(cinema: &Cinema, user: Uuid) -> Value {
    let root = superuser(&cinema.app).await;
    let path = format!("/api/v1/admin/users/{user}/evict");
    cinema.app.client.post(&path).bearer(&root.access).send().await.expect(200).json()
}

/// A user who was created with GitHub and has linked others.
async fn linked(cinema: &Cinema) -> (Browser, Pair) {
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    for provider in [Google, X] {
        browser.try_to_link(&pair, provider, "anna").await.expect(200);
    }
    (browser, pair)
}

async fn change(cinema: &Cinema, sql: &str) {
    cinema.app.sql().await.batch_execute(sql).await.unwrap();
}

#[tokio::test]
async fn sessions_end_and_what_was_linked_of_late_is_unlinked() {
    let cinema = Cinema::start().await;
    let (_, pair) = linked(&cinema).await;
    let other = cinema.browser().sign_in(Google, "anna").await;
    let old =
        "update auth.oauth_accounts set linked_at = linked_at - interval '31 days' where provider = 'x'";
    change(&cinema, old).await;

    let evicted = evict(&cinema, user_of(&pair)).await;

    assert_eq!(evicted, json!({ "revoked": 2, "unlinked": ["google"], "linked": ["x", "github"] }));
    for pair in [&pair, &other] {
        dead(&cinema.app, &pair.access).await;
        cinema.app.client.refresh(&pair.refresh).await.problem(401, "session_revoked");
    }
    let again = cinema.browser().sign_in(GitHub, "anna").await;
    assert_eq!(user_of(&again), user_of(&pair));
    // The user sees it and what was unlinked, without the address of the operator; operators see what went.
    let history =
        cinema.app.client.get("/api/v1/me/login-history?limit=100").bearer(&again.access).send().await;
    let items = items_of(&history.expect(200).json());
    let seen: Vec<_> = items.iter().filter(|item| !item["provider"].is_null()).collect();
    assert_eq!(seen.len(), 1, "{items:?}");
    assert_eq!((&seen[0]["event"], &seen[0]["provider"]), (&json!("account_unlinked"), &json!("google")));
    assert_eq!(seen[0]["address"], Value::Null);
    let sql = cinema.app.sql().await;
    let seen = "select count(*) from auth.login_history where user_id = $1 and event = 'evicted' and address is null";
    assert_eq!(sql.query_one(seen, &[&user_of(&pair)]).await.unwrap().get::<_, i64>(0), 1);
    let audited = "select detail ->> 'unlinked' from auth.audit_log where action = 'user_evicted'";
    assert_eq!(sql.query_one(audited, &[]).await.unwrap().get::<_, &str>(0), "[\"google\"]");
}

#[tokio::test]
async fn the_only_sign_in_method_is_not_unlinked() {
    let cinema = Cinema::start().await;
    let (_, pair) = linked(&cinema).await;
    // As after the address, and with it the password, was lost to its owner.
    change(&cinema, "update auth.oauth_accounts set linked_rule = 4").await;
    let evicted = evict(&cinema, user_of(&pair)).await;
    assert_eq!(evicted, json!({ "revoked": 1, "unlinked": [], "linked": ["github", "google", "x"] }));

    let neo = cinema.app.client.new_user(NEO).await;
    cinema.browser().try_to_link(&neo, GitHub, "boris").await.expect(200);
    let evicted = evict(&cinema, user_of(&neo)).await;
    assert_eq!(evicted, json!({ "revoked": 1, "unlinked": ["github"], "linked": [] }));
    cinema.app.client.sign_in(NEO).await;
}

#[tokio::test]
async fn an_account_at_a_provider_that_is_not_configured_is_no_sign_in_method() {
    let cinema = Cinema::start().await;
    let (_, pair) = linked(&cinema).await;
    // The user was created with a provider that the operator has removed since.
    let moved = "update auth.oauth_accounts set provider = 'retired' where provider = 'github'";
    change(&cinema, moved).await;
    let evicted = evict(&cinema, user_of(&pair)).await;
    assert_eq!(evicted["unlinked"], json!([]), "{evicted}");
    let again = cinema.browser().sign_in(Google, "anna").await;
    assert_eq!(user_of(&again), user_of(&pair));
}

#[tokio::test]
async fn an_eviction_records_its_revocation_after_all_locks() {
    let cinema = Cinema::start().await;
    let (_, pair) = linked(&cinema).await;
    let root = superuser(&cinema.app).await;
    let holder = holding(&cinema.app, "select from auth.oauth_accounts for update").await;
    let path = format!("/api/v1/admin/users/{}/evict", user_of(&pair));
    let evicting = beside(cinema.app.client.post(&path).bearer(&root.access));
    blocked(&holder, 1).await;
    let released = holder.query_one("select clock_timestamp()", &[]).await.unwrap();
    let released: SystemTime = released.get(0);
    let_go(&holder, "select 1").await;
    evicting.await.unwrap().expect(200);
    let sql = "select created_at from auth.revocations order by id desc limit 1";
    let recorded: SystemTime = cinema.app.sql().await.query_one(sql, &[]).await.unwrap().get(0);
    assert!(recorded > released, "{recorded:?} {released:?}");
}

/// The page to which the browser returns from GitHub.
async fn to_the_page(browser: &mut Browser, person: &str) -> Url {
    let page: String = url::form_urlencoded::byte_serialize(PAGE.as_bytes()).collect();
    let at = browser.start_flow(GitHub, &format!("?return_to={page}")).await;
    let back = browser.choose(&at, person).await;
    browser.call_back(&back).await.expect(303).header("location").parse().unwrap()
}

fn parameter(page: &Url, name: &str) -> String {
    let found = page.query_pairs().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no {name}: {page}")).1.into_owned()
}

async fn exchange(browser: &Browser, code: &str) -> Reply {
    let body = json!({ "one_time_code": code });
    browser.call(Method::POST, "/api/v1/oauth/exchange").json(&body).send().await
}

#[tokio::test]
async fn a_one_time_code_of_before_opens_no_session() {
    let cinema = Cinema::start().await;
    let (mut browser, pair) = linked(&cinema).await;
    let page = to_the_page(&mut browser, "anna").await;
    evict(&cinema, user_of(&pair)).await;
    exchange(&browser, &parameter(&page, "one_time_code")).await.problem(410, "code_expired");
    let page = to_the_page(&mut browser, "anna").await;
    exchange(&browser, &parameter(&page, "one_time_code")).await.pair();
}

#[tokio::test]
async fn a_link_that_waits_for_the_password_is_void() {
    let cinema = Cinema::start().await;
    let neo = cinema.app.client.new_user(NEO).await;
    change(&cinema, "update auth.users set verified_email_key = email_key").await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    let page = to_the_page(&mut browser, "neo").await;
    evict(&cinema, user_of(&neo)).await;
    let body = json!({ "flow": parameter(&page, "flow"), "password": PASSWORD });
    let reply = browser.call(Method::POST, "/api/v1/oauth/link/confirm").json(&body).send().await;
    reply.problem(410, "code_expired");
    let left = "select count(*) from auth.oauth_accounts";
    assert_eq!(cinema.app.sql().await.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn what_was_linked_after_a_confirmation_of_late_is_unlinked() {
    let cinema = Cinema::start().await;
    let neo = cinema.app.client.new_user(NEO).await;
    cinema.add_person(GitHub, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(GitHub, "neo").await;
    browser.confirm(&flow, PASSWORD).await.pair();
    // By rule 8 a user may be created, too, and keeps the account that it was created with.
    let evicted = evict(&cinema, user_of(&neo)).await;
    assert_eq!(evicted, json!({ "revoked": 2, "unlinked": ["github"], "linked": [] }));
}
