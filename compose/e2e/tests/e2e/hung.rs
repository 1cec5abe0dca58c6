//! A program behind nginx hangs: its connections stay open, but nothing comes back.

use std::time::Duration;

use harness::Stack;
use harness::http::{get, post};
use harness::wait::until;
use serde_json::json;
use tokio::time::Instant;

use crate::people::{PASSWORD, Person};
use crate::support::{Cinema, LIMIT, counter};

/// How long nginx leaves a server out that failed (nginx/README.md).
const LEFT_OUT: Duration = Duration::from_secs(10);

/// At most so many requests may have tried a server that has hung since `begun`.
fn at_most(begun: Instant) -> u64 {
    2 + begun.elapsed().as_secs() / LEFT_OUT.as_secs()
}

#[tokio::test]
async fn one_of_two_sidecars_that_hangs_is_left_out() {
    let cinema = Cinema::with_sidecars(2).await;
    let (url, token) = (cinema.url("/api/v1/films/"), cinema.token(|_| {}));
    let asked = async || {
        let page = get(&cinema.sidecars[0].ops("/metrics")).send().await.text;
        counter(&page, "usher_introspect_decisions_total{code=\"allow\",reason=\"known\"}")
    };
    until("both are asked", LIMIT, async || {
        get(&url).bearer(&token).send().await.status == 200 && asked().await > 0
    })
    .await
    .unwrap();
    let before = asked().await;

    cinema.sidecars[0].process().freeze();
    let begun = Instant::now();
    for _ in 0..60 {
        assert_eq!(get(&url).bearer(&token).send().await.status, 200);
    }
    let most = at_most(begun);
    cinema.sidecars[0].process().thaw();

    let tried = asked().await - before;
    assert!(tried <= most, "{tried} of 60 requests tried the sidecar that hangs");
}

#[tokio::test]
async fn one_of_two_admins_that_hangs_is_left_out_and_only_reading_requests_are_repeated() {
    let stack = Stack::builder().admins(2).start().await.unwrap();
    let (person, pair) = Person::signed_in(&stack).await;
    stack.admins[0].process().freeze();
    let begun = Instant::now();
    for _ in 0..30 {
        assert_eq!(pair.get(&stack, "/api/v1/me").await.status, 200);
    }
    let body = json!({ "identifier": person.email, "password": PASSWORD });
    let mut failed = 0;
    for _ in 0..15 {
        let answer = post(&stack.gateway("/api/v1/auth/login")).json(&body).send().await;
        match answer.status {
            200 => {}
            503 => failed += 1,
            status => panic!("{status}: {}", answer.text),
        }
    }
    let most = at_most(begun);
    assert!(failed <= most, "{failed} of 15 sign-ins failed");
    let log = stack.nginx.access_log();
    let tried = log.lines().filter(|line| line.contains("\"upstream_status\":\"504")).count();
    assert!(u64::try_from(tried).unwrap() <= most, "{tried} requests tried the admin that hangs: {log}");
    stack.admins[0].process().thaw();
}

#[tokio::test]
async fn sidecars_that_cannot_decide_about_one_location_are_asked_for_the_others() {
    let cinema = Cinema::with_sidecars(2).await;
    let token = cinema.token(|_| {});
    let status = async |path: &str| get(&cinema.url(path)).bearer(&token).send().await.status;
    cinema.redis.command("HDEL usher:{rev}:meta roles").unwrap();
    let lost = async |sidecar: usize| {
        let page = get(&cinema.sidecars[sidecar].ops("/metrics")).send().await.text;
        page.lines().any(|line| line == "usher_introspect_role_map_version 0")
    };
    until("both lost the role map", LIMIT, async || lost(0).await && lost(1).await).await.unwrap();

    for _ in 0..30 {
        assert_eq!(status("/api/v1/watch/").await, 503);
        assert_eq!(status("/api/v1/films/").await, 200, "no refusal takes a sidecar away");
    }
}

#[tokio::test]
async fn sidecars_that_are_restarted_one_after_the_other_are_both_asked_again() {
    let mut cinema = Cinema::with_sidecars(2).await;
    let (url, token) = (cinema.url("/api/v1/films/"), cinema.token(|_| {}));
    let ask = async || get(&url).bearer(&token).send().await.status;
    for sidecar in 0..2 {
        cinema.sidecars[sidecar].kill().unwrap();
        for _ in 0..4 {
            assert_eq!(ask().await, 200, "the other one is asked");
        }
        cinema.sidecars[sidecar].start_again().unwrap();
        let ops = cinema.sidecars[sidecar].ops("/health/ready");
        let is_ready = async || get(&ops).try_send().await.is_ok_and(|answer| answer.status == 200);
        until("it is ready again", LIMIT, is_ready).await.unwrap();
    }
    for _ in 0..20 {
        assert_eq!(ask().await, 200);
    }
}
