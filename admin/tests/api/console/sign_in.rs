//! Signing in at the console, and what guards it.

use admin::access::Right;
use reqwest::Method;

use super::{OWN, done, operator, person, root, signed_in, start};
use crate::pages::visitor::Visitor;
use crate::support::PASSWORD;

#[tokio::test]
async fn an_operator_signs_in_with_a_password_and_signs_out() {
    let app = start().await;
    let mut root = root(&app).await;
    assert!(root.page.contains("superuser"), "{}", root.page);
    assert_eq!(root.cookies.keys().collect::<Vec<_>>(), ["__Host-console", "__Host-console-page"]);
    let next = root.submit_and_follow("/console/sign-out", &[]).await;
    assert_eq!(next, "/console/sign-in");
    assert!(root.page.contains(&done("signed_out")), "{}", root.page);
    assert_eq!(root.cookies.keys().collect::<Vec<_>>(), ["__Host-console-page"]);
    let asked = root.open("/console/audit?actor=a").await.expect(303);
    assert_eq!(asked.header("location"), "/console/sign-in?return_to=%2Fconsole%2Faudit%3Factor%3Da");
}

#[tokio::test]
async fn a_viewer_is_refused_and_has_no_session() {
    let app = start().await;
    let viewer = person(&app, "viewer").await;
    app.sql().await.execute("delete from auth.sessions", &[]).await.unwrap();
    let mut browser = Visitor::of_console(&app, OWN);
    browser.sign_in("viewer@persons.test", PASSWORD).await.expect(403);
    assert!(browser.page.contains("You may not do this."), "{}", browser.page);
    assert!(!browser.cookies.contains_key("__Host-console"));
    let live = "select count(*) from auth.sessions where revoked_at is null";
    let live: i64 = app.sql().await.query_one(live, &[]).await.unwrap().get(0);
    assert_eq!(live, 0);
    let denied = "select count(*) from auth.audit_log where action = 'call_denied' and actor_id = $1
                  and target_id = 'POST /console/sign-in'";
    let denied: i64 = app.sql().await.query_one(denied, &[&viewer]).await.unwrap().get(0);
    assert_eq!(denied, 1);
}

#[tokio::test]
async fn a_wrong_password_is_said_and_the_name_is_kept() {
    let app = start().await;
    let mut browser = Visitor::of_console(&app, OWN);
    browser.sign_in("root@operators.test", "wrong").await.expect(401);
    assert_eq!(browser.hidden_or_shown("identifier"), "root@operators.test");
    assert!(browser.page.contains("The name or the password is wrong."), "{}", browser.page);
}

#[tokio::test]
async fn neither_site_takes_the_cookies_of_the_other_one() {
    let app = start().await;
    let mut console = root(&app).await;
    let mut account = Visitor::new(&app);
    account.sign_in("root@operators.test", PASSWORD).await.expect(303);
    // As a browser does that has both on one host.
    let (of_console, of_account) = (console.cookies.clone(), account.cookies.clone());
    console.cookies = of_account;
    console.open("/console/").await.expect(303);
    account.cookies = of_console;
    account.open("/account/").await.expect(303);
}

#[tokio::test]
async fn each_listener_serves_its_own_site_alone() {
    let app = start().await;
    let mut console = root(&app).await;
    for path in ["/account/sign-in", "/api/v1/me", "/openapi.json", "/apidocs/"] {
        console.open(path).await.expect(404);
        assert!(console.page.contains("href=\"/console/\""), "{}", console.page);
    }
    for path in ["/console/", "/console/sign-in", "/console/assets/style.css"] {
        app.client.get(path).send().await.problem(404, "not_found");
    }
    let style = console.page.split("/console/assets/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    console.open(&format!("/console/assets/{style}")).await.expect(200);
}

#[tokio::test]
async fn a_request_of_another_site_is_refused_whatever_it_asks_for() {
    let app = start().await;
    let root = root(&app).await;
    for site in ["same-site", "cross-site"] {
        for path in ["/console/", "/console/sign-in", "/console/people", "/nothing"] {
            let read = root.call_plain(Method::GET, path).header("sec-fetch-site", site).send().await;
            assert_eq!(read.status, 403, "{site} {path}");
            assert!(!read.headers.contains_key("set-cookie"), "{site} {path}");
        }
    }
    root.call_plain(Method::GET, "/console/").header("sec-fetch-site", "none").send().await.expect(200);
}

#[tokio::test]
async fn a_form_of_another_site_or_without_its_token_changes_nothing() {
    let app = start().await;
    let mut root = root(&app).await;
    let good = root.body(&[]);
    let send = async |visitor: &Visitor, body: String, headers: &[(&'static str, &'static str)]| {
        let call = visitor.call_plain(Method::POST, "/console/sign-out");
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        call.body(body).send().await.status
    };
    for headers in [
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")][..],
        &[("origin", "https://cinema.example"), ("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
        &[("origin", "null"), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[],
    ] {
        assert_eq!(send(&root, good.clone(), headers).await, 403, "{headers:?}");
    }
    let own = [("origin", OWN), ("sec-fetch-site", "same-origin")];
    // The token of the same user's page of the account, or none.
    let mut account = Visitor::new(&app);
    account.sign_in("root@operators.test", PASSWORD).await.expect(303);
    account.open("/account/").await.expect(200);
    for body in [account.body(&[]), String::new(), format!("{good}A")] {
        assert_eq!(send(&root, body.clone(), &own).await, 403, "{body}");
    }
    root.open("/console/").await.expect(200);
    assert_eq!(send(&root, good, &own).await, 303);
}

#[tokio::test]
async fn an_operator_who_lost_the_last_permission_sees_nothing_and_can_sign_out() {
    let app = start().await;
    let mut former = operator(&app, "former", &[Right::UsersRead]).await;
    app.sql().await.execute("delete from auth.user_roles", &[]).await.unwrap();
    for path in ["/console/", "/console/people", "/console/system"] {
        former.open(path).await.expect(403);
    }
    former.submit("/console/sign-out", &[]).await.expect(303);
}

#[tokio::test]
async fn a_session_that_was_ended_elsewhere_asks_to_sign_in() {
    let app = start().await;
    let mut root = root(&app).await;
    let mut elsewhere = root.clone();
    elsewhere.submit("/console/sign-out", &[]).await.expect(303);
    let asked = root.open("/console/people").await.expect(303);
    assert_eq!(asked.header("location"), "/console/sign-in?return_to=%2Fconsole%2Fpeople");
    root.open(asked.header("location")).await.expect(200);
    assert!(root.page.contains("Your session has ended."), "{}", root.page);
    let again = signed_in(&app, "root@operators.test").await;
    assert!(again.cookies.contains_key("__Host-console"));
}

#[tokio::test]
async fn a_link_to_the_sign_in_leads_to_pages_of_the_console_alone() {
    let app = start().await;
    let mut visitor = Visitor::of_console(&app, OWN);
    for (asked, next) in [
        ("/console/audit?action=user_viewed", "/console/audit?action=user_viewed"),
        ("/account/", "/console/"),
        ("https://evil.example/console/", "/console/"),
        ("//evil.example/console/", "/console/"),
        ("/console/../account/", "/console/"),
    ] {
        let asked: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
        visitor.open(&format!("/console/sign-in?return_to={asked}")).await.expect(200);
        assert_eq!(visitor.hidden("return_to").replace("&#38;", "&"), next, "{asked}");
    }
}
