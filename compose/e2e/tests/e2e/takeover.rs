//! Another admin takes the lead: after a plan, and when the leader hangs.

use std::time::Instant;

use harness::http::{Client, call, get};
use harness::wait::until;
use harness::{Admin, Introspect, Stack};
use hyper::Method;

use crate::people::{Pair, Person, send};
use crate::support::LIMIT;

async fn metric(address: &str, name: &str) -> Option<String> {
    let answer = get(address).try_send().await.ok()?;
    let line =
        answer.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.filter(|_| answer.status == 200)
}

async fn is_leading(admin: &Admin) -> bool {
    metric(&admin.ops("/metrics"), "usher_admin_relay_leading").await.as_deref() == Some("1")
}

async fn epoch(sidecar: &Introspect) -> Option<String> {
    metric(&sidecar.ops("/metrics"), "usher_introspect_feed_epoch").await
}

/// Asks a sidecar: status, and what it says of its freshness.
async fn ask(sidecar: &Introspect, pair: &Pair) -> (u16, String) {
    let question = Client::over(sidecar.socket()).get("/").header("X-Auth-Policy", "user");
    let answer = send(question.bearer(&pair.access)).await;
    (answer.status, answer.find_header("x-auth-freshness").unwrap_or_default().to_owned())
}

/// Signs out at this admin, and waits until the sidecar refuses the token.
async fn sign_out(admin: &Admin, sidecar: &Introspect, pair: &Pair) {
    let answer = send(call(Method::POST, &admin.url("/api/v1/auth/logout")).bearer(&pair.access)).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    let is_refused = async || ask(sidecar, pair).await.0 == 401;
    until("the sidecar refuses the token", LIMIT, is_refused).await.unwrap();
}

/// Two admins, of which the first leads; a sidecar; and a user with two sessions.
async fn scene() -> (Stack, Pair, Pair) {
    let mut stack = Stack::builder().admins(2).start().await.unwrap();
    let (person, first) = Person::signed_in(&stack).await;
    let second = person.sign_in(&stack).await;
    let one_leads = async || {
        let [one, other] = stack.admins.as_slice() else { panic!("two admins run") };
        is_leading(one).await != is_leading(other).await
    };
    until("one leads", LIMIT, one_leads).await.unwrap();
    if is_leading(stack.admins.last().unwrap()).await {
        stack.admins.reverse();
    }
    (stack, first, second)
}

#[tokio::test]
async fn a_leader_that_hangs_is_replaced_and_does_no_harm_when_it_continues() {
    let (stack, first, second) = scene().await;
    let ([leader, successor], [sidecar]) = (stack.admins.as_slice(), stack.sidecars.as_slice()) else {
        panic!("two admins and a sidecar run")
    };
    leader.process().freeze();
    let begun = Instant::now();
    until("the other admin leads", LIMIT, async || is_leading(successor).await).await.unwrap();
    println!("replaced after {:?}", begun.elapsed());
    sign_out(successor, sidecar, &first).await;
    until("the sidecar is fresh", LIMIT, async || ask(sidecar, &second).await == (204, "fresh".to_owned()))
        .await
        .unwrap();
    let led = epoch(sidecar).await.unwrap();

    leader.process().thaw();

    until("it leads no longer", LIMIT, async || !is_leading(leader).await).await.unwrap();
    sign_out(leader, sidecar, &second).await;
    assert!(is_leading(successor).await);
    assert_eq!(epoch(sidecar).await.unwrap(), led, "it wrote nothing");
}

#[tokio::test]
async fn a_planned_change_of_the_leader_leaves_the_sidecar_fresh() {
    let (mut stack, first, second) = scene().await;
    let mut leader = stack.admins.remove(0);
    let ([successor], [sidecar]) = (stack.admins.as_slice(), stack.sidecars.as_slice()) else {
        panic!("another admin and a sidecar run")
    };
    let led = epoch(sidecar).await.unwrap();
    let watching = async {
        while !is_leading(successor).await {
            assert_eq!(ask(sidecar, &second).await, (204, "fresh".to_owned()));
        }
        for _ in 0..100 {
            assert_eq!(ask(sidecar, &second).await, (204, "fresh".to_owned()));
        }
    };
    let (stopped, ()) = tokio::join!(leader.stop(), watching);
    stopped.unwrap();
    sign_out(successor, sidecar, &first).await;
    assert_eq!(epoch(sidecar).await.unwrap(), led, "the epoch was continued");
}
