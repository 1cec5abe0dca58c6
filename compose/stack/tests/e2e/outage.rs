//! What people notice when a part is gone.

use serde_json::{Value, json};
use stack::http::{get, post};
use stack::wait::until;
use stack::{Introspect, Stack};

use crate::people::{PASSWORD, Pair, Person, send};
use crate::support::LIMIT;

/// What a sidecar that nginx does not know decides.
async fn decides(sidecar: &Introspect, pair: &Pair) -> u16 {
    let question = get("http://sidecar/").over(sidecar.socket()).header("X-Auth-Policy", "user");
    send(question.bearer(&pair.access)).await.status
}

#[tokio::test]
async fn redis_killed_and_started_empty_forgets_nobody_and_forgives_nobody() {
    let mut stack = Stack::start().await.unwrap();
    let (person, signed_out) = Person::signed_in(&stack).await;
    let signed_in = person.sign_in(&stack).await;
    signed_out.sign_out(&stack).await;
    signed_out.is_refused(&stack, "before").await;

    stack.redis.kill().unwrap();
    signed_out.is_refused(&stack, "while it is away").await;
    signed_in.is_let_in(&stack).await;

    stack.redis.start_empty().await.unwrap();
    let mut newcomer = stack.another_sidecar().unwrap();
    newcomer.ready().await.unwrap();
    assert_eq!(decides(&newcomer, &signed_out).await, 401);
    assert_eq!(decides(&newcomer, &signed_in).await, 204);
    signed_out.is_refused(&stack, "after").await;
    signed_in.is_let_in(&stack).await;
    signed_in.refresh(&stack).await.is_let_in(&stack).await;

    signed_in.sign_out(&stack).await;
    signed_in.is_refused(&stack, "a sign-out after the return").await;
    until("the newcomer's news", LIMIT, async || decides(&newcomer, &signed_in).await == 401).await.unwrap();
}

#[tokio::test]
async fn a_sign_out_while_redis_is_away_counts_when_it_returns() {
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
    for (path, body) in [("login", body), ("refresh", json!({ "refresh_token": pair.refresh }))] {
        let answer = send(post(&stack.gateway(&format!("/api/v1/auth/{path}"))).json(&body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"), "{path}");
        assert!(answer.header("retry-after").is_some(), "{path}");
    }

    stack.postgres.as_mut().unwrap().start_again().await.unwrap();
    let back = async || person.try_password(&stack, PASSWORD).await.status == 200;
    until("admin's return", LIMIT, back).await.unwrap();
    pair.sign_out(&stack).await;
    pair.is_refused(&stack, "a sign-out after the return").await;
}

#[tokio::test]
async fn without_admin_films_play_on_and_a_restarted_one_revokes_again() {
    let mut stack = Stack::start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    stack.admins[0].kill().unwrap();
    pair.is_let_in(&stack).await;
    let away = pair.ask(&stack, hyper::Method::GET, "/api/v1/me", &Value::Null).await;
    assert_eq!((away.status, away.code().as_str()), (503, "dependency_unavailable"));
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
}

#[tokio::test]
async fn without_the_sidecar_nobody_is_let_in_and_it_returns_knowing() {
    let mut stack = Stack::start().await.unwrap();
    let (person, signed_out) = Person::signed_in(&stack).await;
    let signed_in = person.sign_in(&stack).await;
    stack.sidecars[0].stop().await.unwrap();
    let answer = signed_in.get(&stack, "/api/v1/films/").await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"));
    signed_out.sign_out(&stack).await;
    stack.sidecars[0].start_again().unwrap();
    stack.sidecars[0].ready().await.unwrap();
    signed_in.is_let_in(&stack).await;
    assert_eq!(signed_out.get(&stack, "/api/v1/films/").await.status, 401);
}
