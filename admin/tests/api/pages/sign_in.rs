//! Signing in and out by pages, and what guards their forms.

use reqwest::Method;

use super::start;
use super::visitor::Visitor;
use crate::support::PASSWORD;

use super::NEO;

#[tokio::test]
async fn a_viewer_signs_in_goes_where_they_wanted_and_signs_out() {
    let app = start().await;
    app.client.new_user(NEO).await;
    let mut visitor = Visitor::new(&app);
    let asked = visitor.open("/account/?a=%D0%90").await.expect(303);
    assert_eq!(asked.header("location"), "/account/sign-in?return_to=%2Faccount%2F%3Fa%3D%25D0%2590");

    let shown = visitor.open(asked.header("location")).await.expect(200);
    assert!(shown.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
    let next = visitor.hidden("return_to");
    assert_eq!(next, "/account/?a=%D0%90");
    let fields = [("identifier", NEO), ("password", PASSWORD), ("return_to", next.as_str())];
    assert_eq!(visitor.submit_and_follow("/account/sign-in", &fields).await, next);
    assert!(visitor.page.contains("<bdi>neo@example.org</bdi>"), "{}", visitor.page);

    assert_eq!(visitor.submit_and_follow("/account/sign-out", &[]).await, "/account/sign-in");
    assert!(visitor.page.contains("You are signed out."), "{}", visitor.page);
    assert!(
        !visitor.cookies.contains_key("__Host-access") && !visitor.cookies.contains_key("__Host-refresh")
    );
    visitor.open("/account/").await.expect(303);
}

#[tokio::test]
async fn a_wrong_password_is_said_and_the_name_is_kept() {
    let app = start().await;
    let mut visitor = Visitor::new(&app);
    let shown = visitor.sign_in("<b>\"neo\"@example.org", "wrong").await;
    assert_eq!((shown.status, shown.headers.contains_key("www-authenticate")), (401, false));
    assert!(visitor.page.contains("value=\"&#60;b&#62;&#34;neo&#34;@example.org\""), "{}", visitor.page);
    assert!(visitor.page.contains("role=\"alert\"") && !visitor.page.contains("wrong\""), "{}", visitor.page);
}

#[tokio::test]
async fn a_form_of_another_site_or_of_another_user_changes_nothing() {
    let app = start().await;
    app.client.new_user(NEO).await;
    let mut visitor = Visitor::new(&app);
    visitor.sign_in(NEO, PASSWORD).await.expect(303);
    visitor.open("/account/").await.expect(200);
    let form = "application/x-www-form-urlencoded";
    let send = async |visitor: &Visitor, body: String, headers: &[(&'static str, &'static str)]| {
        let call = visitor.call_plain(Method::POST, "/account/sign-out").header("content-type", form);
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        call.body(body).send().await.status
    };
    let own = [("origin", super::OWN), ("sec-fetch-site", "same-origin")];
    let good = visitor.body(&[]);
    for headers in [
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")][..],
        &[("origin", "null"), ("sec-fetch-site", "same-origin")],
        &[("origin", super::OWN), ("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[],
    ] {
        assert_eq!(send(&visitor, good.clone(), headers).await, 403, "{headers:?}");
    }
    // The token of another browser, none, or a damaged one.
    let mut other = Visitor::new(&app);
    other.open("/account/sign-in").await;
    for body in [other.body(&[]), String::new(), "form_token=".to_owned(), format!("{good}A")] {
        assert_eq!(send(&visitor, body.clone(), &own).await, 403, "{body}");
    }
    visitor.open("/account/").await.expect(200);
    assert_eq!(send(&visitor, good, &own).await, 303);
}

#[tokio::test]
async fn an_expired_access_token_costs_no_form_and_an_ended_session_asks_to_sign_in() {
    let app = start().await;
    app.client.new_user(NEO).await;
    let mut visitor = Visitor::new(&app);
    visitor.sign_in(NEO, PASSWORD).await.expect(303);
    visitor.open("/account/").await.expect(200);
    // A browser that forgot the access token, as it does when that has expired.
    let before = visitor.cookies.clone();
    visitor.cookies.remove("__Host-access");
    visitor.open("/account/").await.expect(200);
    assert_ne!(visitor.cookies["__Host-refresh"], before["__Host-refresh"]);

    // Two of a name are none; the refresh token is enough.
    let mut doubled = visitor.clone();
    doubled.cookies.insert("__Host-access=x; __Host-access".to_owned(), "y".to_owned());
    doubled.open("/account/").await.expect(200);

    let mut elsewhere = visitor.clone();
    elsewhere.submit("/account/sign-out", &[]).await.expect(303);
    let asked = visitor.open("/account/").await.expect(303);
    assert_eq!(asked.header("location"), "/account/sign-in?return_to=%2Faccount%2F");
    visitor.open(asked.header("location")).await.expect(200);
    assert!(visitor.page.contains("Your session has ended."), "{}", visitor.page);
    visitor.open(asked.header("location")).await.expect(200);
    assert!(!visitor.page.contains("Your session has ended."), "it is said once");
    // They stay: another tab may have got the next ones, and this response may arrive after those.
    assert!(visitor.cookies.contains_key("__Host-refresh"));
    let said =
        asked.headers.get_all("set-cookie").iter().any(|line| line.to_str().unwrap().contains("Max-Age=0"));
    assert!(!said, "{:?}", asked.headers);
}

#[tokio::test]
async fn cookies_of_any_bytes_hide_none_of_ours() {
    let app = start().await;
    app.client.new_user(NEO).await;
    let mut visitor = Visitor::new(&app);
    // It is before and after ours.
    visitor.cookies.insert("A".to_owned(), "Москва".to_owned());
    visitor.cookies.insert("a".to_owned(), "\u{e9}\u{ff}".to_owned());
    visitor.sign_in(NEO, PASSWORD).await.expect(303);
    visitor.open("/account/").await.expect(200);
    visitor.cookies.remove("__Host-access");
    visitor.open("/account/").await.expect(200);
    visitor.submit("/account/sign-out", &[]).await.expect(303);
}

#[tokio::test]
async fn what_was_typed_outlives_the_session_and_is_sent_after_another_press() {
    let app = start().await;
    app.client.new_user(NEO).await;
    let mut visitor = Visitor::new(&app);
    visitor.sign_in(NEO, PASSWORD).await.expect(303);
    visitor.open("/account/profile").await.expect(200);
    let mut elsewhere = visitor.clone();
    elsewhere.submit("/account/sign-out", &[]).await.expect(303);
    let names = "select display_name from auth.users where email_key = 'neo@example.org'";
    let name = async || app.sql().await.query_one(names, &[]).await.unwrap().get::<_, Option<String>>(0);

    visitor.submit("/account/profile", &[("display_name", "N <o>"), ("proof", "secret")]).await.expect(401);
    assert!(visitor.page.contains("Your session has ended."), "{}", visitor.page);
    assert!(!visitor.page.contains("secret"), "{}", visitor.page);
    let (path, kept) = (visitor.hidden("kept_path"), visitor.hidden("kept").replace("&#38;", "&"));
    let fields = [("identifier", NEO), ("kept_path", path.as_str()), ("kept", kept.as_str())];
    visitor.submit("/account/sign-in", &[&fields[..], &[("password", "wrong")]].concat()).await.expect(401);
    assert_eq!(visitor.hidden("kept_path"), "/account/profile");
    visitor.submit("/account/sign-in", &[&fields[..], &[("password", PASSWORD)]].concat()).await.expect(200);
    assert!(visitor.page.contains("<bdi>N &#60;o&#62;</bdi>"), "{}", visitor.page);
    assert_eq!(name().await, None, "nothing is sent by itself");
    visitor.submit("/account/profile", &[("display_name", "N <o>")]).await.expect(303);
    assert_eq!(name().await.as_deref(), Some("N <o>"));
}

#[tokio::test]
async fn a_form_of_another_site_is_not_kept_through_the_sign_in() {
    let app = start().await;
    let visitor = Visitor::new(&app);
    let call = visitor.call_plain(Method::POST, "/account/profile").header("sec-fetch-site", "cross-site");
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    let reply =
        call.header("origin", "https://evil.example").body("display_name=Evil".to_owned()).send().await;
    assert!(!reply.expect(303).header("location").contains("Evil"));
    let mut visitor = Visitor::new(&app);
    visitor.open("/account/sign-in").await.expect(200);
    app.client.new_user(NEO).await;
    let fields = [("identifier", NEO), ("password", PASSWORD), ("kept_path", "https://evil.example/")];
    visitor.submit("/account/sign-in", &fields).await.expect(303);
}

#[tokio::test]
async fn a_page_is_shown_in_the_language_that_was_chosen() {
    let app = start().await;
    let mut visitor = Visitor::new(&app);
    visitor.open("/account/sign-in?language=ru&return_to=%2Faccount%2F%3Fa").await.expect(200);
    assert!(
        visitor.page.contains("<html lang=\"ru\">") && visitor.page.contains("Войти"),
        "{}",
        visitor.page
    );
    visitor.open("/account/sign-in").await.expect(200);
    assert!(visitor.page.contains("<html lang=\"ru\">"), "it is remembered");
    let english =
        visitor.clone().call(Method::GET, "/account/nothing").header("accept-language", "ru").send().await;
    let page = english.expect(404).text;
    assert!(page.contains("Такой страницы"), "{page}");
}

#[tokio::test]
async fn a_visitor_is_sent_to_listed_pages_only() {
    let listed =
        [("ADMIN_PUBLIC_URL", super::OWN), ("ADMIN_OAUTH_RETURN_TO", "https://cinema.example/watch")];
    let app = crate::support::TestApp::start_with(&listed).await;
    let mut visitor = Visitor::new(&app);
    for (asked, next) in [
        ("/watch?film=7&t=1", "https://cinema.example/watch?film=7&t=1"),
        ("https://cinema.example/watch", "https://cinema.example/watch"),
        ("/account/sessions?a=b", "/account/sessions?a=b"),
        ("/elsewhere", "/account/"),
        ("//evil.example/account/", "/account/"),
        ("https://evil.example/watch", "/account/"),
        ("/account/../watchdog", "/account/"),
        ("javascript:alert(1)", "/account/"),
        ("\\\\evil.example/account/", "/account/"),
        ("", "/account/"),
    ] {
        let asked: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
        visitor.open(&format!("/account/sign-in?return_to={asked}")).await.expect(200);
        assert_eq!(visitor.hidden("return_to").replace("&#38;", "&"), next, "{asked}");
    }
}
