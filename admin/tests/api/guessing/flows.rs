//! One site cannot use up the sign-ins through providers that may be in progress in all.

use std::time::Duration;

use futures_util::future::join_all;

use crate::support::Cinema;

#[tokio::test]
async fn a_site_starts_twelve_hundred_provider_sign_ins_in_ten_minutes_and_others_are_not_concerned() {
    let cinema = Cinema::start().await;
    let app = &cinema.app;
    app.begin_window(Duration::from_mins(10));
    let start = async |address: &str| {
        let call = app.client.get("/api/v1/oauth/github/login").header("x-forwarded-for", address);
        call.send().await
    };
    for hundreds in 0..12 {
        let hundred = (0..100).map(|number| {
            let address = format!("203.0.113.{}", (hundreds + number) % 250);
            async move { start(&address).await }
        });
        for reply in join_all(hundred).await {
            reply.expect(302);
        }
    }
    let reply = start("203.0.113.77").await;
    reply.clone().problem(429, "too_many_attempts");
    assert!(reply.header("retry-after").parse::<u64>().is_ok());
    start("203.0.114.77").await.expect(302);
    app.advance(Duration::from_mins(20));
    start("203.0.113.77").await.expect(302);
}

#[tokio::test]
async fn an_address_starts_three_hundred_and_its_neighbours_are_not_concerned() {
    let cinema = Cinema::start().await;
    let app = &cinema.app;
    for (address, neighbour) in [("203.0.113.7", "203.0.113.8"), ("2001:db8:1:2::7", "2001:db8:1:3::7")] {
        app.begin_window(Duration::from_mins(10));
        let start = async |address: &str| {
            let call = app.client.get("/api/v1/oauth/github/login").header("x-forwarded-for", address);
            call.send().await
        };
        for _ in 0..6 {
            for reply in join_all((0..50).map(|_| start(address))).await {
                reply.expect(302);
            }
        }
        start(address).await.problem(429, "too_many_attempts");
        start(neighbour).await.expect(302);
    }
}
