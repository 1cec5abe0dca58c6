//! Linked accounts: listing, linking, unlinking, and never without a sign-in method.

use mock_providers::Provider::{GitHub, Google, X};
use reqwest::Method;
use serde_json::json;

use crate::locks::{holding, let_go};
use crate::support::{Cinema, PASSWORD};
use crate::witness::{alive, blocked, change_password, dead, session_of, stale, superuser, user_of};

#[tokio::test]
async fn a_user_sees_the_linked_accounts_and_their_rules() {
    let cinema = Cinema::start().await;
    let pair = cinema.browser().sign_in(GitHub, "anna").await;
    let reply = cinema.app.client.get("/api/v1/me/accounts").bearer(&pair.access).send().await.expect(200);
    let item = &reply.json()["items"][0];
    assert_eq!(item["name"], "GitHub");
    assert_eq!(item["email"], "anna@github.example.org");
    assert_eq!((&item["email_vouched"], &item["display_name"]), (&json!(true), &json!("anna")));
    assert!(item["last_login_at"].is_string() && item.get("subject").is_none());
    // An operator sees the same.
    let root = superuser(&cinema.app).await;
    let path = format!("/api/v1/admin/users/{}/accounts", user_of(&pair));
    let seen = cinema.app.client.get(&path).bearer(&root.access).send().await.expect(200);
    assert_eq!(seen.json(), reply.json());
}

#[tokio::test]
async fn linking_and_unlinking_require_a_recent_sign_in() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&pair, Google, "anna").await.expect(200);
    let pair = stale(&cinema.app, &pair).await;
    browser.try_to_link(&pair, X, "anna").await.problem(403, "fresh_auth_required");
    browser.unlink(&pair, Google).await.problem(403, "fresh_auth_required");
    let fresh = browser.sign_in(GitHub, "anna").await;
    browser.unlink(&fresh, Google).await.expect(204);
}

#[tokio::test]
async fn the_only_sign_in_method_is_not_unlinked() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.unlink(&pair, GitHub).await.problem(409, "last_login_method");
    // Another linked account is another method.
    browser.try_to_link(&pair, Google, "anna").await.expect(200);
    browser.unlink(&pair, Google).await.expect(204);
    browser.unlink(&pair, GitHub).await.problem(409, "last_login_method");
    browser.unlink(&pair, Google).await.problem(404, "not_found");
    // So is a password together with an address.
    let set = json!({ "new_password": PASSWORD });
    let pair =
        cinema.app.client.put("/api/v1/me/password").bearer(&pair.access).json(&set).send().await.pair();
    browser.unlink(&pair, GitHub).await.expect(204);
    cinema.app.client.sign_in("anna@github.example.org").await;
}

#[tokio::test]
async fn a_password_without_an_identifier_is_not_a_sign_in_method() {
    let cinema = Cinema::start().await;
    let browser = cinema.browser();
    let pair = cinema.browser().sign_in(GitHub, "clara").await;
    let set = json!({ "new_password": PASSWORD });
    let pair =
        cinema.app.client.put("/api/v1/me/password").bearer(&pair.access).json(&set).send().await.pair();
    browser.unlink(&pair, GitHub).await.problem(409, "last_login_method");
    let login = json!({ "login": "clara", "current_password": PASSWORD });
    let pair =
        cinema.app.client.put("/api/v1/me/login").bearer(&pair.access).json(&login).send().await.pair();
    browser.unlink(&pair, GitHub).await.expect(204);
}

#[tokio::test]
async fn the_last_two_methods_are_not_both_unlinked_at_the_same_time() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    // A session that neither unlinking revokes.
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&pair, Google, "anna").await.expect(200);
    browser.try_to_link(&pair, X, "anna").await.expect(200);
    browser.unlink(&pair, X).await.expect(204);
    let other = cinema.browser().sign_in(Google, "anna").await;
    let (one, two) = tokio::join!(browser.unlink(&pair, Google), browser.unlink(&other, GitHub));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    // The second request finds no other method, or its own session revoked.
    assert!(statuses == [204, 401] || statuses == [204, 409], "{one:?} {two:?}");
    let left = "select count(*) from auth.oauth_accounts where user_id = $1";
    assert_eq!(cinema.app.sql().await.query_one(left, &[&user_of(&pair)]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_sign_in_that_waited_for_the_account_gets_the_outcome_of_what_it_waited_for() {
    let disabled = ("update auth.users set status = 'disabled'", 403, "account_disabled");
    let unlinked = ("delete from auth.oauth_accounts", 409, "link_confirmation_required");
    for (change, status, code) in [disabled, unlinked] {
        let cinema = Cinema::start().await;
        cinema.browser().sign_in(GitHub, "anna").await;
        let holder = holding(&cinema.app, "select from auth.users for update").await;
        let mut browser = cinema.browser();
        let changing = async {
            blocked(&holder, 1).await;
            let_go(&holder, change).await;
        };
        let (reply, ()) = tokio::join!(browser.try_to_sign_in(GitHub, "anna"), changing);
        reply.problem(status, code);
    }
}

#[tokio::test]
async fn unlinking_revokes_the_sessions_of_that_account_and_no_others() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let github = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&github, Google, "anna").await.expect(200);
    let google = cinema.browser().sign_in(Google, "anna").await;
    let other = cinema.browser().sign_in(Google, "anna").await;
    let refreshed = cinema.app.client.refresh(&other.refresh).await.pair();

    browser.unlink(&github, Google).await.expect(204);

    for pair in [&google, &refreshed] {
        dead(&cinema.app, &pair.access).await;
        cinema.app.client.refresh(&pair.refresh).await.problem(401, "session_revoked");
    }
    alive(&cinema.app, &github.access).await;
    let reason = "select revoke_reason from auth.sessions where id = $1";
    let reason = cinema.app.sql().await.query_one(reason, &[&session_of(&google)]).await.unwrap();
    assert_eq!(reason.get::<_, &str>(0), "unlinked");
    // The account at the provider is free, and its next sign-in creates a new user.
    let again = cinema.browser().sign_in(Google, "anna").await;
    assert_ne!(user_of(&again), user_of(&github));
}

#[tokio::test]
async fn unlinking_the_account_of_the_current_session_revokes_it() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&pair, Google, "anna").await.expect(200);
    browser.unlink(&pair, GitHub).await.expect(204);
    dead(&cinema.app, &pair.access).await;
    assert_eq!(user_of(&browser.sign_in(Google, "anna").await), user_of(&pair));
}

#[tokio::test]
async fn a_link_request_ends_with_its_session() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    let begun = browser
        .call(Method::POST, "/api/v1/me/accounts/google")
        .bearer(&pair.access)
        .send()
        .await
        .expect(200);
    let at = begun.json()["authorize_url"].as_str().unwrap().parse().unwrap();
    let back = browser.choose(&at, "anna").await;
    cinema.app.client.post("/api/v1/auth/logout").bearer(&pair.access).send().await.expect(204);
    browser.call_back(&back).await.problem(401, "token_revoked");
    let left = "select count(*) from auth.oauth_accounts where user_id = $1";
    assert_eq!(cinema.app.sql().await.query_one(left, &[&user_of(&pair)]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_link_request_ends_with_its_generation_of_tokens_although_the_session_continues() {
    let cinema = Cinema::start().await;
    let mut thief = cinema.browser();
    let neo = cinema.app.client.new_user("neo@example.org").await;
    // A thief of the token starts to link their own account.
    let begun =
        thief.call(Method::POST, "/api/v1/me/accounts/google").bearer(&neo.access).send().await.expect(200);
    thief.keep(&begun);
    let at = begun.json()["authorize_url"].as_str().unwrap().parse().unwrap();
    let back = thief.choose(&at, "anna").await;
    // The owner changes the password in the same session.
    let neo = change_password(&cinema.app, &neo.access, "two nights at the pictures").send().await.pair();
    thief.call_back(&back).await.problem(401, "token_revoked");
    assert!(cinema.linked(&neo).await.is_empty());
}

#[tokio::test]
async fn an_account_of_a_removed_provider_is_not_a_sign_in_method() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&pair, Google, "anna").await.expect(200);
    let mut vars = cinema.app.vars.clone();
    vars.insert("ADMIN_OAUTH_GOOGLE_CLIENT_ID", String::new());
    vars.insert("ADMIN_OAUTH_GOOGLE_CLIENT_SECRET", String::new());
    let without = crate::support::TestApp::launch_on(vars).await;
    without.await_ready().await;
    let browser = crate::support::Browser::of(&without);
    browser.unlink(&pair, GitHub).await.problem(409, "last_login_method");
    // It can still be unlinked.
    browser.unlink(&pair, Google).await.expect(204);
}

#[tokio::test]
async fn an_account_is_in_the_partition_of_its_provider() {
    let cinema = Cinema::start().await;
    cinema.browser().sign_in(GitHub, "anna").await;
    let sql = cinema.app.sql().await;
    let github = sql.query_one("select count(*) from auth.oauth_accounts_github", &[]).await.unwrap();
    assert_eq!(github.get::<_, i64>(0), 1);
    sql.batch_execute("update auth.oauth_accounts set provider = 'acme'").await.unwrap();
    let others = sql.query_one("select count(*) from auth.oauth_accounts_default", &[]).await.unwrap();
    assert_eq!(others.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_first_password_requires_a_recent_sign_in() {
    let cinema = Cinema::start().await;
    let pair = cinema.browser().sign_in(GitHub, "anna").await;
    let put = async |access: &str, body| {
        cinema.app.client.put("/api/v1/me/password").bearer(access).json(&body).send().await
    };
    put(&pair.access, json!({ "current_password": "a guess", "new_password": PASSWORD }))
        .await
        .problem(403, "current_password_wrong");
    let pair = stale(&cinema.app, &pair).await;
    put(&pair.access, json!({ "new_password": PASSWORD })).await.problem(403, "fresh_auth_required");
    // A user with a password must send it.
    let neo = cinema.app.client.new_user("neo@example.org").await;
    let body = json!({ "new_password": "two nights at the pictures" });
    let reply = cinema.app.client.put("/api/v1/me/password").bearer(&neo.access).json(&body).send().await;
    assert_eq!(reply.problem(422, "validation_failed")["errors"][0]["code"], "field_missing");
}
