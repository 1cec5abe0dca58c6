//! What users notice when a part of the system is down.

use harness::http::{Client, get};
use harness::wait::until;
use harness::{Introspect, Stack};
use hyper::Method;
use serde_json::{Value, json};

use crate::people::{PASSWORD, Pair, Person, send};
use crate::support::LIMIT;

/// The decisions of a sidecar that nginx is not configured to use.
async fn decides(sidecar: &Introspect, pair: &Pair) -> u16 {
    let question = Client::over(sidecar.socket()).get("/").header("X-Auth-Policy", "user");
    send(question.bearer(&pair.access)).await.status
}

/// Whether a sidecar runs and is not ready for this reason.
async fn lacks(sidecar: &Introspect, what: &str) -> bool {
    let ready = get(&sidecar.ops("/health/ready")).try_send().await;
    ready.is_ok_and(|answer| answer.status == 503 && answer.text.contains(what))
}

#[tokio::test]
async fn redis_restarted_empty_keeps_sessions_and_revocations() {
    let mut stack = Stack::start().await.unwrap();
    let (person, signed_out) = Person::signed_in(&stack).await;
    let signed_in = person.sign_in(&stack).await;
    signed_out.sign_out(&stack).await;
    signed_out.is_refused(&stack, "before").await;

    stack.redis.kill().unwrap();
    signed_out.is_refused(&stack, "while Redis is down").await;
    signed_in.is_let_in(&stack).await;

    stack.redis.start_empty().await.unwrap();
    let mut new_sidecar = stack.another_sidecar().unwrap();
    new_sidecar.ready().await.unwrap();
    assert_eq!(decides(&new_sidecar, &signed_out).await, 401);
    assert_eq!(decides(&new_sidecar, &signed_in).await, 204);
    signed_out.is_refused(&stack, "after").await;
    signed_in.is_let_in(&stack).await;
    signed_in.refresh(&stack).await.is_let_in(&stack).await;

    signed_in.sign_out(&stack).await;
    signed_in.is_refused(&stack, "a sign-out after Redis returned").await;
    until("the new sidecar applies revocations", LIMIT, async || {
        decides(&new_sidecar, &signed_in).await == 401
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_sign_out_while_redis_is_down_acts_when_redis_returns() {
    let mut stack = Stack::start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    stack.redis.kill().unwrap();
    pair.sign_out(&stack).await;
    stack.redis.start_empty().await.unwrap();
    pair.is_refused(&stack, "the sign-out").await;
}

#[tokio::test]
async fn without_postgres_films_play_on_and_signing_in_is_503() {
    let mut stack = Stack::builder().own_postgres().start().await.unwrap();
    let (person, pair) = Person::signed_in(&stack).await;
    stack.postgres.as_mut().unwrap().stop().await.unwrap();

    pair.is_let_in(&stack).await;
    let body = json!({ "identifier": person.email, "password": PASSWORD });
    let refresh = json!({ "refresh_token": pair.refresh });
    for (path, body) in [("login", body), ("refresh", refresh), ("logout", Value::Null)] {
        let answer = pair.ask(&stack, Method::POST, &format!("/api/v1/auth/{path}"), &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"), "{path}");
        assert!(answer.find_header("retry-after").is_some(), "{path}");
    }
    let mut new_sidecar = stack.another_sidecar().unwrap();
    let waits = async || lacks(&new_sidecar, "revocations_unread").await;
    until("a new sidecar has no certificate", LIMIT, waits).await.unwrap();
    assert_eq!(decides(&new_sidecar, &pair).await, 404);

    stack.postgres.as_mut().unwrap().start_again().await.unwrap();
    let back = async || person.try_password(&stack, PASSWORD).await.status == 200;
    until("admin's return", LIMIT, back).await.unwrap();
    new_sidecar.ready().await.unwrap();
    assert_eq!(decides(&new_sidecar, &pair).await, 204);
    pair.sign_out(&stack).await;
    pair.is_refused(&stack, "a sign-out after the connection returned").await;
}

#[tokio::test]
async fn without_admin_films_play_on_and_a_restarted_one_revokes_again() {
    let mut stack = Stack::start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    stack.admins[0].kill().unwrap();
    pair.is_let_in(&stack).await;
    let answer = pair.ask(&stack, Method::GET, "/api/v1/me", &Value::Null).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"));
    stack.admins[0].start_again().await.unwrap();
    pair.is_let_in(&stack).await;
    pair.sign_out(&stack).await;
    pair.is_refused(&stack, "a sign-out after the restart").await;
}

#[tokio::test]
async fn of_two_admins_the_other_goes_on_publishing() {
    let mut stack = Stack::builder().admins(2).start().await.unwrap();
    let (person, first) = Person::signed_in(&stack).await;
    let second = person.sign_in(&stack).await;
    stack.admins[0].kill().unwrap();
    first.sign_out(&stack).await;
    first.is_refused(&stack, "a sign-out by the other admin").await;
    second.is_let_in(&stack).await;
    // Requests go to both in turn, and one of them is down.
    for _ in 0..4 {
        person.sign_in(&stack).await.refresh(&stack).await;
    }
}

#[tokio::test]
async fn without_the_sidecar_every_request_is_refused_and_a_restart_knows_revocations() {
    let mut stack = Stack::start().await.unwrap();
    let (person, signed_out) = Person::signed_in(&stack).await;
    let signed_in = person.sign_in(&stack).await;
    stack.sidecars[0].stop().await.unwrap();
    let answer = signed_in.get(&stack, "/api/v1/films/").await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"));
    signed_out.sign_out(&stack).await;
    person.sign_in(&stack).await;
    stack.sidecars[0].start_again().unwrap();
    stack.sidecars[0].ready().await.unwrap();
    signed_in.is_let_in(&stack).await;
    assert_eq!(signed_out.get(&stack, "/api/v1/films/").await.status, 401);
}

#[tokio::test]
async fn without_any_admin_films_play_until_the_token_ends_and_all_else_is_503() {
    let builder = Stack::builder().admins(2).admin("ADMIN_ACCESS_TOKEN_LIFE", "3s");
    let mut stack = builder.sidecar("INTROSPECT_LEEWAY", "0s").start().await.unwrap();
    let (person, pair) = Person::signed_in(&stack).await;
    for admin in &mut stack.admins {
        admin.kill().unwrap();
    }
    pair.is_let_in(&stack).await;
    let body = json!({ "identifier": person.email, "password": PASSWORD });
    let refresh = json!({ "refresh_token": pair.refresh });
    for (path, body) in [("login", body), ("refresh", refresh.clone()), ("logout", Value::Null)] {
        let answer = pair.ask(&stack, Method::POST, &format!("/api/v1/auth/{path}"), &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"), "{path}");
        assert!(answer.find_header("retry-after").is_some(), "{path}");
    }
    let ended = async || pair.get(&stack, "/api/v1/films/").await.status == 401;
    until("the token expires", LIMIT, ended).await.unwrap();
    assert_eq!(pair.try_refresh(&stack).await.status, 503);

    stack.admins[0].start_again().await.unwrap();
    pair.refresh(&stack).await.is_let_in(&stack).await;
}

#[tokio::test]
async fn without_admin_a_sidecar_that_starts_has_its_copy_of_the_keys_and_waits_for_a_certificate() {
    let mut stack = Stack::start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    stack.admins[0].kill().unwrap();
    stack.sidecars[0].stop().await.unwrap();
    stack.sidecars[0].start_again().unwrap();
    let mut new_sidecar = stack.another_sidecar().unwrap();
    let with_keys = async || lacks(&stack.sidecars[0], "revocations_unread").await;
    until("the sidecar has keys, and no certificate", LIMIT, with_keys).await.unwrap();
    until("the new sidecar lacks the keys", LIMIT, async || lacks(&new_sidecar, "keys").await).await.unwrap();
    assert_eq!(decides(&new_sidecar, &pair).await, 404);

    stack.admins[0].start_again().await.unwrap();
    stack.sidecars[0].ready().await.unwrap();
    new_sidecar.ready().await.unwrap();
    pair.is_let_in(&stack).await;
}

#[tokio::test]
async fn without_redis_users_sign_in_and_watch_by_the_known_roles_and_no_sidecar_starts() {
    let mut stack = Stack::builder().providers().start().await.unwrap();
    stack.admins[0].command(&["roles", "create", "subscriber"], "").unwrap();
    let person = Person::register(&stack).await;
    person.assign(&stack, "subscriber");
    let pair = person.sign_in(&stack).await;
    let watches = async || pair.get(&stack, "/api/v1/watch/").await.status == 200;
    until("the role is known", LIMIT, watches).await.unwrap();
    stack.redis.kill().unwrap();

    assert_eq!(pair.get(&stack, "/api/v1/watch/").await.status, 200);
    let new_pair = person.sign_in(&stack).await;
    new_pair.is_let_in(&stack).await;
    new_pair.sign_out(&stack).await;
    let through = send(get(&stack.gateway("/api/v1/oauth/github/login"))).await;
    assert_eq!((through.status, through.code().as_str()), (503, "dependency_unavailable"));
    let sidecar = stack.another_sidecar().unwrap();
    let told = async || sidecar.process().log().contains("unreachable");
    until("a sidecar that misses Redis", LIMIT, told).await.unwrap();
    assert!(!sidecar.is_ready().await);
    assert_eq!(decides(&sidecar, &pair).await, 404);
}

#[tokio::test]
async fn without_the_cinema_its_films_are_503_and_users_sign_in_and_out() {
    let mut stack = Stack::start().await.unwrap();
    let (person, pair) = Person::signed_in(&stack).await;
    stack.origin.stop().await.unwrap();
    let film = pair.get(&stack, "/api/v1/films/").await;
    assert_eq!((film.status, film.code().as_str()), (503, "dependency_unavailable"));
    person.sign_in(&stack).await.sign_out(&stack).await;
}

#[tokio::test]
async fn without_a_provider_only_its_users_have_to_wait() {
    let mut stack = Stack::builder().providers().start().await.unwrap();
    let (person, pair) = Person::signed_in(&stack).await;
    let departed = send(get(&stack.gateway("/api/v1/oauth/github/login"))).await;
    let cookie = departed.find_header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let back = send(get(departed.find_header("location").unwrap()).header("x-choose", "anna")).await;
    stack.providers.as_mut().unwrap().stop().await.unwrap();

    let returned = send(get(back.find_header("location").unwrap()).header("cookie", &cookie)).await;
    assert_eq!((returned.status, returned.code().as_str()), (502, "provider_error"));
    person.sign_in(&stack).await.is_let_in(&stack).await;
    pair.sign_out(&stack).await;
    pair.is_refused(&stack, "the sign-out").await;
}
