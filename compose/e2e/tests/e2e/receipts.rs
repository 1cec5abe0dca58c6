//! Receipts: a sign-out that is answered when every sidecar has it, and how far each sidecar is.

use std::time::{Duration, Instant};

use harness::http::{Client, call};
use harness::wait::until;
use harness::{Introspect, Stack};
use hyper::Method;
use serde_json::{Value, json};

use crate::people::{Pair, Person, send};
use crate::support::LIMIT;

const WAIT: &str = "/api/v1/auth/logout?wait=all";

/// Whether a sidecar refuses the token now.
async fn refuses(sidecar: &Introspect, pair: &Pair) -> bool {
    let question = Client::over(sidecar.socket()).get("/").header("X-Auth-Policy", "user");
    send(question.bearer(&pair.access)).await.status == 401
}

/// The answer of admin about the sidecars, for an operator.
async fn position(stack: &Stack, root: &Pair) -> Value {
    let [admin, ..] = stack.admins.as_slice() else { panic!("an admin runs") };
    let address = admin.url("/api/v1/admin/revocations/position");
    let answer = send(call(Method::GET, &address).bearer(&root.access)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn superuser(stack: &Stack) -> Pair {
    let person = Person::register(stack).await;
    let [admin, ..] = stack.admins.as_slice() else { panic!("an admin runs") };
    admin.command(&["superuser", "grant", &person.email], "").unwrap();
    person.sign_in(stack).await
}

#[tokio::test]
async fn a_sign_out_that_waits_is_answered_when_every_sidecar_refuses_the_token() {
    let stack = Stack::builder().sidecars(2).start().await.unwrap();
    let (person, _) = Person::signed_in(&stack).await;
    for _ in 0..5 {
        let pair = person.sign_in(&stack).await;
        let answer = pair.ask(&stack, Method::POST, WAIT, &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json(), json!({ "reached": "all", "sidecars": 2 }));
        // Without any delay.
        for sidecar in &stack.sidecars {
            assert!(refuses(sidecar, &pair).await);
        }
    }
}

#[tokio::test]
async fn with_a_sidecar_that_hangs_it_is_answered_when_the_time_of_the_promise_has_passed() {
    let stack = Stack::builder().sidecars(2).start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    let [here, hanging] = stack.sidecars.as_slice() else { panic!("two sidecars run") };
    hanging.process().freeze();

    let begun = Instant::now();
    let answer = pair.ask(&stack, Method::POST, WAIT, &Value::Null).await;

    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json(), json!({ "reached": "bound" }));
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert!(refuses(here, &pair).await);
    hanging.process().thaw();
}

#[tokio::test]
async fn operators_see_how_far_each_sidecar_is_until_it_has_been_gone_for_five_seconds() {
    let mut stack = Stack::builder().sidecars(2).start().await.unwrap();
    let root = superuser(&stack).await;
    let (_person, pair) = Person::signed_in(&stack).await;
    let before = position(&stack, &root).await;
    pair.sign_out(&stack).await;

    let shown = until_shown(&stack, &root, 2).await;
    assert_ne!(shown["position"], before["position"]);
    for sidecar in shown["sidecars"].as_array().unwrap() {
        assert!(sidecar["certificate_age_ms"].as_u64().unwrap() < 2000, "{sidecar}");
        assert_eq!(sidecar["version"], env!("CARGO_PKG_VERSION"));
    }
    stack.sidecars.pop().unwrap().kill().unwrap();
    until_shown(&stack, &root, 1).await;
}

/// Waits until so many sidecars live, all of which have read the whole log.
async fn until_shown(stack: &Stack, root: &Pair, count: usize) -> Value {
    let is_shown = async || {
        let shown = position(stack, root).await;
        let sidecars = shown["sidecars"].as_array().unwrap();
        sidecars.len() == count && sidecars.iter().all(|sidecar| sidecar["position"] == shown["position"])
    };
    until("so many sidecars, all at the end", LIMIT, is_shown).await.unwrap();
    position(stack, root).await
}
