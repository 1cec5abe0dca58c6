//! A person has two accounts, and moves an account at a provider from one to the other.

use mock_providers::Provider::{GitHub, Google, Vk, Yandex};
use reqwest::Method;
use serde_json::json;

use crate::support::{Browser, Cinema, PASSWORD, Pair, methods};
use crate::witness::{alive, dead, make_role, user_of};

const NEO: &str = "neo@example.org";

/// A user with a password who has a second, empty account by VK ID, and the flow to move it.
async fn twice(cinema: &Cinema) -> (Pair, Pair, Browser, String) {
    let first = cinema.app.client.new_user(NEO).await;
    let second = cinema.browser().sign_in(Vk, "clara").await;
    let mut browser = cinema.browser();
    let flow = asked(&mut browser, &first).await;
    (first, second, browser, flow)
}

async fn asked(browser: &mut Browser, pair: &Pair) -> String {
    let problem = browser.try_to_link(pair, Vk, "clara").await.problem(409, "oauth_account_in_use");
    assert_eq!(methods(&problem), ["move"]);
    problem["flow"].as_str().unwrap().to_owned()
}

async fn change(cinema: &Cinema, sql: &str) {
    cinema.app.sql().await.batch_execute(sql).await.unwrap();
}

#[tokio::test]
async fn a_second_empty_account_gives_its_provider_to_the_first() {
    let cinema = Cinema::start().await;
    let (first, second, browser, flow) = twice(&cinema).await;
    assert_eq!(browser.show_link(&flow).await.expect(200).json()["methods"], json!(["move"]));
    cinema.browser().show_link(&flow).await.problem(410, "code_expired");
    assert_eq!(browser.move_here(&flow).await.expect(200).json(), json!({ "linked": "vk" }));
    assert_eq!(cinema.linked(&first).await, [("vk".to_owned(), 3)]);
    assert_eq!(user_of(&cinema.browser().sign_in(Vk, "clara").await), user_of(&first));
    // The second account has no way in any more, so its sessions end.
    dead(&cinema.app, &second.access).await;
    cinema.app.client.refresh(&second.refresh).await.problem(401, "session_revoked");
    alive(&cinema.app, &first.access).await;
    let told =
        "select string_agg(event, ' ' order by event) from auth.login_history where event like 'account_%'";
    let told: String = cinema.app.sql().await.query_one(told, &[]).await.unwrap().get(0);
    assert_eq!(told, "account_linked account_unlinked");
}

#[tokio::test]
async fn a_second_account_with_another_way_in_keeps_the_sessions_of_that() {
    let cinema = Cinema::start().await;
    let second = cinema.browser().sign_in(GitHub, "anna").await;
    cinema.browser().try_to_link(&second, Vk, "clara").await.expect(200);
    let through = cinema.browser().sign_in(Vk, "clara").await;
    let first = cinema.app.client.new_user(NEO).await;
    let mut browser = cinema.browser();
    let flow = asked(&mut browser, &first).await;
    browser.move_here(&flow).await.expect(200);
    alive(&cinema.app, &second.access).await;
    dead(&cinema.app, &through.access).await;
    assert_eq!(cinema.linked(&second).await, [("github".to_owned(), 6)]);
}

#[tokio::test]
async fn nothing_is_moved_from_a_user_with_a_role_or_to_one_with_another_account_there() {
    let cinema = Cinema::start().await;
    let (first, _, browser, flow) = twice(&cinema).await;
    make_role(&cinema.app, "subscriber", &["films:watch"], &[]).await;
    let second = "select user_id from auth.oauth_accounts where provider = 'vk'";
    let assign =
        format!("insert into auth.user_roles (user_id, role_id) select ({second}), id from auth.roles");
    change(&cinema, &assign).await;
    browser.move_here(&flow).await.problem(409, "oauth_account_in_use");
    let mut browser = cinema.browser();
    let problem = browser.try_to_link(&first, Vk, "clara").await.problem(409, "oauth_account_in_use");
    assert!(problem.get("flow").is_none(), "{problem}");
    change(&cinema, "delete from auth.user_roles").await;
    change(&cinema, "update auth.users set is_superuser = email is null").await;
    let problem = browser.try_to_link(&first, Vk, "clara").await.problem(409, "oauth_account_in_use");
    assert!(problem.get("flow").is_none(), "{problem}");
    change(&cinema, "update auth.users set is_superuser = false").await;
    let flow = asked(&mut browser, &first).await;
    cinema.browser().try_to_link(&first, Vk, "anna").await.expect(200);
    browser.move_here(&flow).await.problem(409, "oauth_provider_linked");
    let left = "select count(*) from auth.oauth_accounts where provider = 'vk'";
    assert_eq!(
        cinema.app.sql().await.query_one(left, &[]).await.unwrap().get::<_, i64>(0),
        2,
        "nothing was lost"
    );
}

#[tokio::test]
async fn a_move_that_was_overtaken_changes_nothing() {
    let cinema = Cinema::start().await;
    let (first, second, browser, flow) = twice(&cinema).await;
    let body = json!({ "flow": flow, "created_in": "1999-12" });
    let reply = browser.call(Method::POST, "/api/v1/oauth/link/move").json(&body).send().await;
    reply.problem(422, "validation_failed");
    // The second account ended all of its sessions: perhaps it is a thief who asks.
    let everywhere = cinema.app.client.post("/api/v1/auth/logout-all").bearer(&second.access);
    everywhere.send().await.expect(200);
    browser.move_here(&flow).await.problem(410, "code_expired");
    let mut browser = cinema.browser();
    let flow = asked(&mut browser, &first).await;
    let new = json!({ "current_password": PASSWORD, "new_password": "another horse, another battery" });
    let put = cinema.app.client.put("/api/v1/me/password").bearer(&first.access).json(&new);
    put.send().await.pair();
    browser.move_here(&flow).await.problem(401, "token_revoked");
    assert_ne!(user_of(&cinema.browser().sign_in(Vk, "clara").await), user_of(&first));
    // Other flows are no moves.
    cinema.add_person(Google, "neo", Some(NEO), true);
    let (other, _) = browser.must_confirm(Google, "neo").await;
    let body = json!({ "flow": other, "created_in": "1999-12" });
    let reply = browser.call(Method::POST, "/api/v1/oauth/link/move").json(&body).send().await;
    reply.problem(410, "code_expired");
    cinema.browser().sign_in(Yandex, "anna").await;
}
