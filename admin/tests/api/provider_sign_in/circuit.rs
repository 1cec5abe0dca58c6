//! Providers that are down or slow: the circuit breaker, and the limit of users of one provider.

use futures_util::future::join_all;
use mock_providers::{Fault, Provider};
use reqwest::Method;
use tokio::net::TcpListener;

use crate::support::Cinema;

#[tokio::test]
async fn the_circuit_breaker_opens_for_a_provider_that_is_down() {
    // A port without a server.
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let down = format!("http://{unused}/token");
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_X_TOKEN_URL", &down)]).await;
    for _ in 0..5 {
        cinema.browser().try_to_sign_in(Provider::X, "anna").await.problem(502, "provider_error");
    }
    let resting = cinema.browser().call(Method::GET, "/api/v1/oauth/x/login").send().await;
    let wait: u32 = resting.header("retry-after").parse().unwrap();
    assert!((25..=31).contains(&wait), "{wait}");
    resting.problem(503, "provider_unavailable");
    // The others still work.
    cinema.browser().sign_in(Provider::GitHub, "anna").await;
}

#[tokio::test]
async fn with_an_open_circuit_a_callback_fails_at_once_without_a_request() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let at = browser.start_flow(Provider::GitHub, "").await;
    let back = browser.choose(&at, "anna").await;
    cinema.providers.set_fault(Provider::GitHub, Fault::Token500);
    for _ in 0..5 {
        cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await.problem(502, "provider_error");
    }
    let asked = cinema.providers.requests(Provider::GitHub).token;
    browser.call_back(&back).await.problem(503, "provider_unavailable");
    // The state was used, so the repeated request has the same answer.
    browser.call_back(&back).await.problem(503, "provider_unavailable");
    assert_eq!(cinema.providers.requests(Provider::GitHub).token, asked, "no request was sent");
}

#[tokio::test]
async fn the_circuit_breaker_also_counts_failures_of_the_user_info() {
    let cinema = Cinema::start().await;
    cinema.providers.set_fault(Provider::GitHub, Fault::User500);
    for _ in 0..5 {
        cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await.problem(502, "provider_error");
    }
    let resting = cinema.browser().call(Method::GET, "/api/v1/oauth/github/login").send().await;
    resting.problem(503, "provider_unavailable");
}

#[tokio::test]
async fn a_slow_provider_takes_a_limited_number_of_slots() {
    let cinema = Cinema::start().await;
    cinema.providers.set_fault(Provider::GitHub, Fault::TokenTimeout);
    let sign_in = async || cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await;
    let replies = join_all((0..70).map(|_| sign_in())).await;
    let of = |code: &str| replies.iter().filter(|reply| reply.json()["code"] == code).count();
    assert_eq!((of("provider_timeout"), of("provider_unavailable")), (64, 6));
}
