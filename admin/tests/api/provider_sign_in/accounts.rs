//! What is linked to a person: seeing it, linking more, unlinking, and never the last way in.

use mock_providers::Provider::{GitHub, Google, X};
use reqwest::Method;
use serde_json::json;

use crate::support::{Cinema, PASSWORD};
use crate::witness::{alive, change_password, dead, session_of, superuser, user_of};

/// Makes every sign-in of before an old one.
async fn let_it_be_long_ago(cinema: &Cinema) {
    let sql = "update auth.sessions set authenticated_at = authenticated_at - interval '11 minutes'";
    cinema.app.sql().await.batch_execute(sql).await.unwrap();
}

#[tokio::test]
async fn a_person_sees_what_is_linked_and_by_which_rule() {
    let cinema = Cinema::start().await;
    let pair = cinema.browser().sign_in(GitHub, "anna").await;
    let reply = cinema.app.client.get("/api/v1/me/accounts").bearer(&pair.access).send().await.expect(200);
    let item = &reply.json()["items"][0];
    assert_eq!(item["name"], "GitHub");
    assert_eq!(item["email"], "anna@github.example.org");
    assert_eq!((&item["email_vouched"], &item["display_name"]), (&json!(true), &json!("anna")));
    assert!(item["last_login_at"].is_string() && item.get("subject").is_none());
    // Support sees the same.
    let root = superuser(&cinema.app).await;
    let path = format!("/api/v1/admin/users/{}/accounts", user_of(&pair));
    let seen = cinema.app.client.get(&path).bearer(&root.access).send().await.expect(200);
    assert_eq!(seen.json(), reply.json());
}

#[tokio::test]
async fn linking_and_unlinking_take_a_sign_in_of_late() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&pair, Google, "anna").await.expect(200);
    let_it_be_long_ago(&cinema).await;
    browser.try_to_link(&pair, X, "anna").await.problem(403, "fresh_auth_required");
    browser.unlink(&pair, Google).await.problem(403, "fresh_auth_required");
    let fresh = browser.sign_in(GitHub, "anna").await;
    browser.unlink(&fresh, Google).await.expect(204);
}

#[tokio::test]
async fn the_last_way_in_is_not_unlinked() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.unlink(&pair, GitHub).await.problem(409, "last_login_method");
    // Another account is another way in.
    browser.try_to_link(&pair, Google, "anna").await.expect(200);
    browser.unlink(&pair, Google).await.expect(204);
    browser.unlink(&pair, GitHub).await.problem(409, "last_login_method");
    browser.unlink(&pair, Google).await.problem(404, "not_found");
    // So is a password, with an address to say with it.
    let set = json!({ "new_password": PASSWORD });
    let pair =
        cinema.app.client.put("/api/v1/me/password").bearer(&pair.access).json(&set).send().await.pair();
    browser.unlink(&pair, GitHub).await.expect(204);
    cinema.app.client.sign_in("anna@github.example.org").await;
}

#[tokio::test]
async fn a_password_without_a_name_to_say_with_it_is_no_way_in() {
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
async fn two_ways_in_are_not_both_unlinked_at_once() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    // A session that neither ends with.
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&pair, Google, "anna").await.expect(200);
    browser.try_to_link(&pair, X, "anna").await.expect(200);
    browser.unlink(&pair, X).await.expect(204);
    let other = cinema.browser().sign_in(Google, "anna").await;
    let (one, two) = tokio::join!(browser.unlink(&pair, Google), browser.unlink(&other, GitHub));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    // Whoever is second finds the other gone, or its own session ended with it.
    assert!(statuses == [204, 401] || statuses == [204, 409], "{one:?} {two:?}");
    let left = "select count(*) from auth.oauth_accounts where user_id = $1";
    assert_eq!(cinema.app.sql().await.query_one(left, &[&user_of(&pair)]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn sessions_that_began_with_an_account_end_with_it_and_no_others() {
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
    // The account at the provider is free, and whoever comes with it is somebody new: its address is not.
    let again = cinema.browser().sign_in(Google, "anna").await;
    assert_ne!(user_of(&again), user_of(&github));
}

#[tokio::test]
async fn whoever_unlinks_what_they_came_with_is_signed_out() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let pair = browser.sign_in(GitHub, "anna").await;
    browser.try_to_link(&pair, Google, "anna").await.expect(200);
    browser.unlink(&pair, GitHub).await.expect(204);
    dead(&cinema.app, &pair.access).await;
    assert_eq!(user_of(&browser.sign_in(Google, "anna").await), user_of(&pair));
}

#[tokio::test]
async fn linking_ends_with_the_session_that_began_it() {
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
async fn linking_ends_with_the_tokens_that_began_it_though_the_session_goes_on() {
    let cinema = Cinema::start().await;
    let mut thief = cinema.browser();
    let neo = cinema.app.client.new_user("neo@example.org").await;
    // Somebody who has the token begins to link an account of their own.
    let begun =
        thief.call(Method::POST, "/api/v1/me/accounts/google").bearer(&neo.access).send().await.expect(200);
    thief.keep(&begun);
    let at = begun.json()["authorize_url"].as_str().unwrap().parse().unwrap();
    let back = thief.choose(&at, "anna").await;
    // Its owner changes the password in that very session.
    let neo = change_password(&cinema.app, &neo.access, "two nights at the pictures").send().await.pair();
    thief.call_back(&back).await.problem(401, "token_revoked");
    assert!(cinema.linked(&neo).await.is_empty());
}

#[tokio::test]
async fn a_way_in_through_a_provider_that_is_no_longer_configured_is_none() {
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
    // It can still be unlinked itself.
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
async fn whoever_has_no_password_sets_one_only_after_a_sign_in_of_late() {
    let cinema = Cinema::start().await;
    let pair = cinema.browser().sign_in(GitHub, "anna").await;
    let put = |body| cinema.app.client.put("/api/v1/me/password").bearer(&pair.access).json(&body).send();
    put(json!({ "current_password": "a guess", "new_password": PASSWORD }))
        .await
        .problem(401, "invalid_credentials");
    let_it_be_long_ago(&cinema).await;
    put(json!({ "new_password": PASSWORD })).await.problem(403, "fresh_auth_required");
    // Whoever has one is asked for it.
    let neo = cinema.app.client.new_user("neo@example.org").await;
    let body = json!({ "new_password": "two nights at the pictures" });
    let reply = cinema.app.client.put("/api/v1/me/password").bearer(&neo.access).json(&body).send().await;
    assert_eq!(reply.problem(422, "validation_failed")["errors"][0]["code"], "field_missing");
}
