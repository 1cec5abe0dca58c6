//! Where a sign-in ends: at pages of other origins, after a provider, and with an address of any length.

use reqwest::Method;

use super::visitor::Visitor;
use super::{NEO, OWN};
use crate::support::{Cinema, PASSWORD, TestApp};

const ELSEWHERE: &str = "https://app.example/in?film=7&t=1";

#[tokio::test]
async fn a_form_leads_to_another_origin_by_a_page_because_its_policy_forbids_a_redirect() {
    let listed = [
        ("ADMIN_PUBLIC_URL", OWN),
        ("ADMIN_OAUTH_RETURN_TO", "https://app.example/in,https://cinema.example/watch"),
    ];
    let app = TestApp::start_with(&listed).await;
    app.client.new_user(NEO).await;
    let mut visitor = Visitor::new(&app);
    visitor.open("/account/sign-in").await.expect(200);
    let fields = [("identifier", NEO), ("password", PASSWORD), ("return_to", ELSEWHERE)];
    visitor.submit("/account/sign-in", &fields).await.expect(200);
    assert_eq!(visitor.way_on(), ELSEWHERE);
    assert!(visitor.page.contains("http-equiv=\"refresh\"") && visitor.cookies.contains_key("__Host-access"));
    // A link may lead there at once, and so may a form to the own origin.
    let link = format!("/account/sign-in?return_to={}", ELSEWHERE.replace('&', "%26"));
    assert_eq!(visitor.open(&link).await.expect(303).header("location"), ELSEWHERE);
    let mut visitor = Visitor::new(&app);
    visitor.open("/account/sign-in").await.expect(200);
    let fields = [("identifier", NEO), ("password", PASSWORD), ("return_to", "/watch?a")];
    let led = visitor.submit("/account/sign-in", &fields).await.expect(303);
    assert_eq!(led.header("location"), "https://cinema.example/watch?a");
}

#[tokio::test]
async fn an_address_that_is_too_long_for_a_provider_costs_the_address_and_not_the_sign_in() {
    let cinema = Cinema::start().await;
    let mut visitor = Visitor::of_cinema(&cinema);
    for (length, is_kept) in [(10, true), (2000, false)] {
        let query = format!("/account/history%3Fq={}", "%25D0%2590".repeat(length / 10));
        visitor.open(&format!("/account/sign-in?return_to={query}")).await.expect(200);
        let (_, rest) = visitor.page.split_once("href=\"/api/v1/oauth/github/login?").unwrap();
        let button = rest.split('"').next().unwrap().replace("&#38;", "&");
        assert_eq!(button.contains("history"), is_kept, "{button}");
        let path = format!("/api/v1/oauth/github/login?{button}");
        visitor.call(Method::GET, &path).send().await.expect(302);
    }
}

#[tokio::test]
async fn a_link_decides_nothing_about_an_account_that_will_be_erased() {
    let app = super::start().await;
    app.client.new_user(NEO).await;
    let pair = crate::witness::sign_in(&app, NEO, PASSWORD).send().await.pair();
    app.client.post("/api/v1/me/erase").bearer(&pair.access).send().await.expect(202);
    let refused = crate::witness::sign_in(&app, NEO, PASSWORD).send().await.problem(403, "erasure_pending");
    let mut visitor = Visitor::new(&app);
    let link = format!("/account/signed-in?error=erasure_pending&flow={}", refused["flow"].as_str().unwrap());
    let led = visitor.open(&link).await.expect(303);
    assert!(!led.header("location").contains("flow"), "{}", led.header("location"));
    assert!(!visitor.page.contains("value=\"erase\""), "{}", visitor.page);
}
