//! The end of an account: the request, the grace, and what is left.

mod canaries;
mod feed;

use std::time::Duration;

use mock_providers::Provider::GitHub;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Cinema, Command, PAGE, PASSWORD, Pair, TestApp, until};
use crate::witness::{alive, dead, holder, items_of, sign_in, stale, superuser, text_of, user_of};

const NEO: &str = "neo@example.org";

/// Requests the erasure of the caller, and returns when it will be done.
async fn request(app: &TestApp, pair: &Pair) -> String {
    let reply = app.client.post("/api/v1/me/erase").bearer(&pair.access).send().await.expect(202);
    text_of(&reply.json(), "erase_at")
}

/// The flow that a sign-in with the right password gets.
async fn flow(app: &TestApp, email: &str) -> String {
    let problem = sign_in(app, email, PASSWORD).send().await.problem(403, "erasure_pending");
    assert_eq!(problem["methods"], json!(["keep", "erase_now"]));
    text_of(&problem, "flow")
}

async fn settle(app: &TestApp, how: &str, flow: &str) -> crate::support::Reply {
    app.client.post(&format!("/api/v1/auth/erasure/{how}")).json(&json!({ "flow": flow })).send().await
}

async fn exists(app: &TestApp, user: Uuid) -> bool {
    let sql = "select exists (select from auth.users where id = $1)";
    app.sql().await.query_one(sql, &[&user]).await.unwrap().get(0)
}

async fn change(app: &TestApp, sql: &str) {
    app.sql().await.batch_execute(sql).await.unwrap();
}

async fn actions(app: &TestApp) -> Vec<String> {
    let sql = "select array_agg(action order by seq) from auth.audit_log where action like '%eras%'";
    app.sql().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn all_sessions_end_at_once_and_a_sign_in_asks_what_to_do() {
    let app = TestApp::start().await;
    let first = app.client.new_user(NEO).await;
    let second = app.client.sign_in(NEO).await;

    let erase_at = request(&app, &second).await;

    for pair in [&first, &second] {
        dead(&app, &pair.access).await;
        app.client.refresh(&pair.refresh).await.problem(401, "session_revoked");
    }
    sign_in(&app, NEO, "not the password").send().await.problem(401, "invalid_credentials");
    let problem = sign_in(&app, NEO, PASSWORD).send().await.problem(403, "erasure_pending");
    assert!(text_of(&problem, "detail").contains(&erase_at), "{problem}");
    let days = "select extract(epoch from due_at - requested_at)::bigint from auth.pending_erasures";
    let grace: i64 = app.sql().await.query_one(days, &[]).await.unwrap().get(0);
    assert_eq!(grace, 14 * 86_400);
    // No other user gets the address meanwhile.
    app.client.register(NEO).await.problem(409, "email_taken");
}

#[tokio::test]
async fn keeping_the_account_restores_it_as_it_was() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    request(&app, &pair).await;
    let flow = flow(&app, NEO).await;

    settle(&app, "keep", &flow).await.expect(204);

    let again = app.client.sign_in(NEO).await;
    assert_eq!(user_of(&again), user_of(&pair));
    alive(&app, &again.access).await;
    let notices = app.client.get("/api/v1/me/notices").bearer(&again.access).send().await.expect(200).json();
    let kinds: Vec<Value> = items_of(&notices).iter().map(|notice| notice["kind"].clone()).collect();
    // The last sign-in has no device token.
    assert_eq!(kinds, ["new_device", "erasure_kept", "erasure_begun"]);
    assert_eq!(actions(&app).await, ["erasure_begun", "erasure_kept"]);
    // A flow settles one erasure; the same request within a minute has the same result, and nothing else happens.
    settle(&app, "keep", &flow).await.expect(204);
    assert_eq!(actions(&app).await, ["erasure_begun", "erasure_kept"]);
    settle(&app, "erase-now", &flow).await.problem(410, "code_expired");
    request(&app, &again).await;
    settle(&app, "keep", &flow).await.problem(410, "code_expired");
}

#[tokio::test]
async fn a_minute_after_the_account_was_kept_the_flow_is_over() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    request(&app, &pair).await;
    let flow = flow(&app, NEO).await;
    settle(&app, "keep", &flow).await.expect(204);
    change(&app, "update auth.kept_erasures set kept_at = kept_at - interval '1 minute'").await;
    settle(&app, "keep", &flow).await.problem(410, "code_expired");
}

#[tokio::test]
async fn of_parallel_requests_to_keep_or_erase_all_have_the_same_result() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    request(&app, &pair).await;
    for how in ["keep", "erase-now"] {
        let flow = flow(&app, NEO).await;
        let all = futures_util::future::join_all((0..4).map(|_| settle(&app, how, &flow))).await;
        assert!(all.iter().all(|reply| reply.status == 204), "{how}: {all:?}");
        if how == "keep" {
            request(&app, &app.client.sign_in(NEO).await).await;
        }
    }
    assert!(!exists(&app, user_of(&pair)).await);
    let kept = "select count(*) from auth.audit_log where action = 'erasure_kept'";
    assert_eq!(app.sql().await.query_one(kept, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn erasing_at_once_is_offered_only_where_it_is_possible() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    request(&app, &pair).await;
    let sql =
        "insert into auth.email_changes (user_id, email, email_key, token_hash, device_epoch, undo_until)
               values ($1, 'former@example.org', 'former@example.org', sha256('a'), 0,
                       clock_timestamp() + interval '72 hours')";
    app.sql().await.execute(sql, &[&user_of(&pair)]).await.unwrap();
    let problem = sign_in(&app, NEO, PASSWORD).send().await.problem(403, "erasure_pending");
    assert_eq!(problem["methods"], json!(["keep"]));
    settle(&app, "erase-now", &text_of(&problem, "flow")).await.problem(403, "account_frozen");
    change(&app, "delete from auth.email_changes").await;
    // The erasure of a superuser waits while no other one could sign in.
    change(&app, "update auth.users set is_superuser = true").await;
    let problem = sign_in(&app, NEO, PASSWORD).send().await.problem(403, "erasure_pending");
    assert_eq!(problem["methods"], json!(["keep"]));
    settle(&app, "erase-now", &text_of(&problem, "flow")).await.problem(409, "last_superuser");
}

#[tokio::test]
async fn enabling_an_account_that_will_be_erased_says_so() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    let pair = app.client.new_user(NEO).await;
    let path = format!("/api/v1/admin/users/{}", user_of(&pair));
    let post =
        async |what: &str| app.client.post(&format!("{path}/{what}")).bearer(&root.access).send().await;
    post("disable").await.expect(204);
    let order = app.client.post(&format!("{path}/erase")).bearer(&root.access);
    let erase_at = order.json(&json!({ "reason": "Why." })).send().await.expect(202).field("/erase_at");
    assert_eq!(post("enable").await.expect(202).field("/erase_at"), erase_at);
    let out = Command::new(&app.vars, &["users", "enable", NEO]).run().await.succeeded();
    assert!(out.contains("will be erased at") && out.contains("choose to keep"), "{out}");
    let shown = app.client.get(&path).bearer(&root.access).send().await.expect(200).json();
    assert_eq!((&shown["status"], &shown["erase_at"]), (&json!("erasing"), &json!(erase_at)));
    // It is active if the user keeps it.
    settle(&app, "keep", &flow(&app, NEO).await).await.expect(204);
    app.client.sign_in(NEO).await;
}

#[tokio::test]
async fn a_device_that_signs_in_again_and_again_neither_keeps_the_account_nor_voids_a_flow() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    request(&app, &pair).await;
    let first = flow(&app, NEO).await;
    for _ in 0..3 {
        flow(&app, NEO).await;
    }
    settle(&app, "keep", &first).await.expect(204);
}

#[tokio::test]
async fn a_flow_expires_after_ten_minutes_and_no_other_text_is_one() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    request(&app, &pair).await;
    let flow = flow(&app, NEO).await;
    for bad in ["", "a", &flow[1..], &" ".repeat(96)] {
        settle(&app, "keep", bad).await.problem(422, "validation_failed");
    }
    settle(&app, "keep", &"A".repeat(96)).await.problem(410, "code_expired");
    app.advance(Duration::from_secs(601));
    settle(&app, "keep", &flow).await.problem(410, "code_expired");
    settle(&app, "erase-now", &flow).await.problem(410, "code_expired");
    assert!(exists(&app, user_of(&pair)).await);
}

#[tokio::test]
async fn an_account_is_erased_at_once_if_its_user_wants_that() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    request(&app, &pair).await;
    let flow = flow(&app, NEO).await;
    settle(&app, "erase-now", &flow).await.expect(204);
    assert!(!exists(&app, user_of(&pair)).await);
    sign_in(&app, NEO, PASSWORD).send().await.problem(401, "invalid_credentials");
    // The same request within a minute has the same result.
    settle(&app, "erase-now", &flow).await.expect(204);
    settle(&app, "keep", &flow).await.problem(410, "code_expired");
    change(&app, "update auth.erasures set erased_at = erased_at - interval '1 minute'").await;
    settle(&app, "erase-now", &flow).await.problem(410, "code_expired");
    dead(&app, &pair.access).await;
    // The address is free again, for another account.
    let other = app.client.new_user(NEO).await;
    assert_ne!(user_of(&other), user_of(&pair));
}

#[tokio::test]
async fn an_account_is_erased_when_the_grace_is_over_and_not_before() {
    let app = TestApp::start().await;
    let (neo, trinity) = (app.client.new_user(NEO).await, app.client.new_user("trinity@example.org").await);
    request(&app, &neo).await;
    request(&app, &trinity).await;
    let due = format!(
        "update auth.pending_erasures set due_at = now() where user_id = '{}'; delete from auth.purges",
        user_of(&neo)
    );
    change(&app, &due).await;
    let _second = app.replica().await;
    until("it is erased", async || (!exists(&app, user_of(&neo)).await).then_some(())).await;
    assert!(exists(&app, user_of(&trinity)).await);
    let record = "select origin, 'profile' = any(categories) and 'sessions' = any(categories)
                  from auth.erasures where user_id = $1";
    let row = app.sql().await.query_one(record, &[&user_of(&neo)]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, bool>(1)), ("user", true));
}

#[tokio::test]
async fn a_request_needs_a_recent_sign_in() {
    let app = TestApp::start().await;
    let pair = app.client.new_user(NEO).await;
    let old = stale(&app, &pair).await;
    let call = app.client.post("/api/v1/me/erase").bearer(&old.access);
    call.send().await.problem(403, "fresh_auth_required");
    let body = json!({ "password": PASSWORD });
    let call = app.client.post("/api/v1/auth/reauthenticate").bearer(&old.access).json(&body);
    let fresh = text_of(&call.send().await.expect(200).json(), "access_token");
    app.client.post("/api/v1/me/erase").bearer(&fresh).send().await.expect(202);
}

#[tokio::test]
async fn the_last_superuser_stays() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    let call = async |pair: &Pair| app.client.post("/api/v1/me/erase").bearer(&pair.access).send().await;
    call(&root).await.problem(409, "last_superuser");
    let other = superuser(&app).await;
    call(&other).await.expect(202);
    // One who will be erased is none who remains.
    call(&root).await.problem(409, "last_superuser");
    let path = format!("/api/v1/admin/users/{}/superuser", user_of(&root));
    app.client.delete(&path).bearer(&root.access).send().await.problem(409, "last_superuser");
    // Not even if the other one is disabled by hand meanwhile: the erasure waits.
    change(
        &app,
        "update auth.users set status = 'disabled' where status = 'active';
                  update auth.pending_erasures set due_at = now(); delete from auth.purges",
    )
    .await;
    let second = app.replica().await;
    until("it was looked for", async || {
        let sql = "select from auth.purges where name = 'due_erasures'";
        second.sql().await.query_opt(sql, &[]).await.unwrap().map(drop)
    })
    .await;
    assert!(exists(&app, user_of(&other)).await);
}

#[tokio::test]
async fn an_operator_orders_it_with_a_reason_and_the_user_can_keep_the_account() {
    let app = TestApp::start().await;
    let neo = app.client.new_user(NEO).await;
    let support = holder(&app, "support@example.org", &["users:erase"]).await;
    let path = format!("/api/v1/admin/users/{}/erase", user_of(&neo));
    let order = async |body: Value| app.client.post(&path).bearer(&support.access).json(&body).send().await;
    order(json!({})).await.problem(422, "validation_failed");
    let first = order(json!({ "reason": "Asked by letter." })).await.expect(202).json();
    let second = order(json!({ "reason": "Again." })).await.expect(202).json();
    assert_eq!(first, second);
    dead(&app, &neo.access).await;
    let own = format!("/api/v1/admin/users/{}/erase", user_of(&support));
    let call = app.client.post(&own).bearer(&support.access).json(&json!({ "reason": "Me." }));
    call.send().await.problem(403, "forbidden");

    settle(&app, "keep", &flow(&app, NEO).await).await.expect(204);
    app.client.sign_in(NEO).await;
    let log =
        "select texts ->> 'reason', detail ->> 'origin' from auth.audit_log where action = 'erasure_begun'";
    let row = app.sql().await.query_one(log, &[]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("Asked by letter.", "operator"));
}

#[tokio::test]
async fn keeping_lifts_no_disabling() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    for (number, disables_first) in [true, false].into_iter().enumerate() {
        let email = format!("neo{number}@example.org");
        let pair = app.client.new_user(&email).await;
        let path = format!("/api/v1/admin/users/{}", user_of(&pair));
        let disable = app.client.post(&format!("{path}/disable")).bearer(&root.access);
        let order = app.client.post(&format!("{path}/erase")).bearer(&root.access);
        let order = order.json(&json!({ "reason": "Why." }));
        if disables_first {
            disable.send().await.expect(204);
            order.send().await.expect(202);
        } else {
            order.send().await.expect(202);
            disable.send().await.expect(204);
        }
        let shown = app.client.get(&path).bearer(&root.access).send().await.expect(200).json();
        assert_eq!(shown["status"], "erasing");
        settle(&app, "keep", &flow(&app, &email).await).await.expect(204);
        sign_in(&app, &email, PASSWORD).send().await.problem(401, "invalid_credentials");
        let shown = app.client.get(&path).bearer(&root.access).send().await.expect(200).json();
        assert_eq!(shown["status"], "disabled");
        app.client.post(&format!("{path}/enable")).bearer(&root.access).send().await.expect(204);
        app.client.sign_in(&email).await;
    }
}

#[tokio::test]
async fn a_sign_in_through_a_provider_asks_the_same() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_RETURN_TO", PAGE)]).await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    request(&cinema.app, &pair).await;

    let problem = browser.try_to_sign_in(GitHub, "anna").await.problem(403, "erasure_pending");
    assert_eq!(problem["methods"], json!(["keep", "erase_now"]));
    settle(&cinema.app, "keep", &text_of(&problem, "flow")).await.expect(204);
    let pair = browser.sign_in(GitHub, "anna").await;

    // The same through a page, whose code is exchanged for tokens.
    request(&cinema.app, &pair).await;
    let at = browser.start_flow(GitHub, &format!("?return_to={PAGE}")).await;
    let back = browser.choose(&at, "anna").await;
    let page = browser.call_back(&back).await.expect(303);
    let page = url::Url::parse(page.header("location")).unwrap();
    let code = page
        .query_pairs()
        .chain(url::form_urlencoded::parse(page.fragment().unwrap_or_default().as_bytes()))
        .find(|(name, _)| name == "one_time_code")
        .map(|(_, code)| code.into_owned())
        .unwrap();
    let call =
        browser.call(reqwest::Method::POST, "/api/v1/oauth/exchange").json(&json!({ "one_time_code": code }));
    let problem = call.send().await.problem(403, "erasure_pending");
    settle(&cinema.app, "erase-now", &text_of(&problem, "flow")).await.expect(204);
    assert!(!exists(&cinema.app, user_of(&pair)).await);
}

#[tokio::test]
async fn an_operator_orders_it_by_a_command() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    let out = Command::new(&app.vars, &["users", "erase", NEO, "--reason", "Asked by letter."])
        .run()
        .await
        .succeeded();
    assert!(out.contains("will be erased at"), "{out}");
    flow(&app, NEO).await;
    let ended = Command::new(&app.vars, &["users", "erase", "no-one", "--reason", "a"]).run().await;
    assert_eq!(ended.code, 1);
}
