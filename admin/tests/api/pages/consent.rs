//! What no link of another site can do: consent for a visitor, or make the browser another user's.

use mock_providers::Provider::GitHub;
use reqwest::Method;

use super::visitor::Visitor;
use crate::support::Cinema;

const VERSION: &str = "2026-12";
const CONSENT: &str = "/account/sign-in/consent";
const LIVE: &str = "sessions where revoked_at is null";

async fn count(cinema: &Cinema, what: &str) -> i64 {
    let sql = cinema.app.sql().await;
    sql.query_one(&format!("select count(*) from auth.{what}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_visitor_consents_by_a_form_and_by_no_address() {
    let cinema = Cinema::start_with(&[("ADMIN_CONSENT_VERSION", VERSION)]).await;
    let mut visitor = Visitor::of_cinema(&cinema);
    // A page that is asked for with a consent passes none on.
    visitor.open(&format!("/account/sign-in?consent={VERSION}")).await.expect(200);
    assert!(!visitor.page.contains(&format!("consent={VERSION}")), "{}", visitor.page);
    visitor.sign_in_through("github", "anna").await;
    assert_eq!(count(&cinema, "users").await, 0);
    let asked = format!("{CONSENT}?return_to=%2Faccount%2Fhistory");
    visitor.open(&asked).await.expect(200);
    let tick = format!("name=\"consent\" value=\"{VERSION}\"");
    assert!(visitor.page.contains(&tick) && !visitor.page.contains("checked"), "{}", visitor.page);

    for consent in ["", "2026-11"] {
        let fields = [("choice", "github"), ("consent", consent), ("return_to", "/account/history")];
        visitor.submit(CONSENT, &fields).await.expect(422);
        assert!(
            visitor.page.contains("autofocus") && visitor.page.contains("consent-error"),
            "{}",
            visitor.page
        );
    }
    let fields = [("choice", "github"), ("consent", VERSION), ("return_to", "/account/history")];
    visitor.submit(CONSENT, &fields).await.expect(200);
    let at = visitor.way_on();
    let page = visitor.choose(&at, "anna").await;
    assert_eq!(visitor.open(&page).await.expect(303).header("location"), "/account/history");
    assert_eq!((count(&cinema, "users").await, count(&cinema, "consents").await), (1, 1));
    // A viewer who has an account is asked nothing.
    assert_eq!(visitor.open(CONSENT).await.expect(303).header("location"), "/account/");
}

#[tokio::test]
async fn without_a_version_there_is_nothing_to_consent_to() {
    let cinema = Cinema::start().await;
    let mut visitor = Visitor::of_cinema(&cinema);
    let led = visitor.open(CONSENT).await.expect(303);
    assert_eq!(led.header("location"), "/account/sign-in?return_to=%2Faccount%2F");
}

#[tokio::test]
async fn a_link_of_another_site_cannot_start_a_sign_in_with_a_consent() {
    let cinema = Cinema::start_with(&[("ADMIN_CONSENT_VERSION", VERSION)]).await;
    let visitor = Visitor::of_cinema(&cinema);
    let path = format!("/api/v1/oauth/github/login?consent={VERSION}");
    let json = |site: Option<&'static str>| {
        let call = cinema.app.client.get(&path);
        match site {
            Some(site) => call.header("sec-fetch-site", site),
            None => call,
        }
    };
    for site in [Some("cross-site"), Some("same-site"), Some("none"), None] {
        json(site).send().await.problem(403, "cross_site_refused");
    }
    json(Some("same-origin")).send().await.expect(302);
    // Only the sender reads the response of a request by a script or by an app.
    json(None).header("accept", "application/json").send().await.expect(200);
    let refused = visitor.call_plain(Method::GET, &path).header("sec-fetch-site", "cross-site").send().await;
    assert!(refused.expect(403).text.contains("cross_site_refused"));
}

#[tokio::test]
async fn a_viewer_is_asked_before_the_browser_becomes_another_users() {
    let cinema = Cinema::start().await;
    cinema.add_person(GitHub, "bob", Some("bob@example.org"), true);
    let mut visitor = Visitor::of_cinema(&cinema);
    visitor.sign_in_through("github", "anna").await;
    // The same user again needs no question.
    visitor.sign_in_through("github", "anna").await;
    assert_eq!(count(&cinema, LIVE).await, 1, "the session that was replaced has ended");
    let before = visitor.cookies["__Host-refresh"].clone();

    let started = visitor.open(&login()).await.expect(302);
    let at = started.header("location").to_owned();
    let page = visitor.choose(&at, "bob").await;
    visitor.open(&page).await.expect(200);
    assert!(visitor.page.contains("You are signed in as anna."), "{}", visitor.page);
    assert_eq!(visitor.cookies["__Host-refresh"], before);
    let (code, next) = (visitor.hidden("one_time_code"), visitor.hidden("return_to"));
    let fields = [("one_time_code", code.as_str()), ("return_to", next.as_str())];
    // In another language it asks again.
    let russian = [fields[0], fields[1], ("language", "ru")];
    visitor.submit("/account/signed-in", &russian).await.expect(200);
    assert!(visitor.page.contains("Вы вошли как anna."), "{}", visitor.page);
    assert_eq!(visitor.cookies["__Host-refresh"], before);
    // A form of another site is no answer.
    let body = visitor.body(&fields);
    let forged =
        visitor.call_plain(Method::POST, "/account/signed-in").header("sec-fetch-site", "cross-site");
    let forged = forged.header("content-type", "application/x-www-form-urlencoded").body(body);
    forged.send().await.expect(403);
    assert_eq!(
        visitor.submit("/account/signed-in", &fields).await.expect(303).header("location"),
        "/account/history"
    );
    visitor.open("/account/").await.expect(200);
    assert!(visitor.page.contains("<bdi>bob</bdi>"), "{}", visitor.page);
    assert_eq!(count(&cinema, LIVE).await, 1, "that of the other user has ended");
}

fn login() -> String {
    let page = format!("{}/account/signed-in?return_to=/account/history", crate::support::PUBLIC_URL);
    let page: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
    format!("/api/v1/oauth/github/login?return_to={page}")
}
