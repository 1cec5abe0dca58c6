//! A client that can write all of Redis makes sidecars stale, and lets no one in who was signed out.
//!
//! The admins hang while it writes, so that no relay repairs what it wrote.

use std::time::{Duration, Instant};

use harness::http::Client;
use harness::wait::until;
use harness::{Introspect, Stack};

use crate::people::{Pair, Person, send};
use crate::support::LIMIT;

const META: &str = "usher:{rev}:meta";
const LOG: &str = "usher:{rev}:log";
const ROLES: &str = "usher:{rev}:roles";

/// How long an attack lasts: longer than `S_max`.
const ATTACK: Duration = Duration::from_secs(5);

/// Asks a sidecar: the status.
async fn ask(sidecar: &Introspect, pair: &Pair, policy: &str) -> u16 {
    let question = Client::over(sidecar.socket()).get("/").header("X-Auth-Policy", policy);
    send(question.bearer(&pair.access)).await.status
}

fn write(stack: &Stack, command: &str) {
    let answer = stack.redis.command(command).unwrap();
    assert!(!answer.starts_with('-'), "{command}: {answer}");
}

/// A field of `meta`. The harness returns the first line of a reply, which is the length, so a script returns a status.
fn meta(stack: &Stack, field: &str) -> String {
    let script = format!(
        "EVAL \"return redis.status_reply(redis.call('HGET', KEYS[1], ARGV[1]) or '')\" 1 {META} {field}"
    );
    stack.redis.command(&script).unwrap().trim_start_matches('+').to_owned()
}

fn freeze_admins(stack: &Stack) {
    for admin in &stack.admins {
        admin.process().freeze();
    }
}

/// Writes what `forge` does until the time has passed, and checks that nothing is allowed once the bound has passed.
async fn attack(stack: &Stack, pair: &Pair, mut forge: impl FnMut(u64)) {
    let [sidecar, ..] = stack.sidecars.as_slice() else { panic!("a sidecar runs") };
    let begun = Instant::now();
    let mut refused = 0;
    for turn in 1.. {
        forge(turn);
        let status = ask(sidecar, pair, "user").await;
        match begun.elapsed() {
            early if early < Duration::from_millis(2500) => {}
            late if late > ATTACK => break,
            _ => {
                assert_eq!(status, 404, "it is stale");
                refused += 1;
            }
        }
    }
    assert!(refused > 10);
}

#[tokio::test]
async fn heartbeats_that_admin_did_not_sign_keep_no_sidecar_fresh() {
    let stack = Stack::builder().start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    let beat: u64 = meta(&stack, "hb").parse().unwrap();
    freeze_admins(&stack);
    attack(&stack, &pair, |turn| {
        let beat = beat + turn;
        write(&stack, &format!("HSET {META} hb_open {beat}"));
        write(&stack, &format!("HSET {META} hb {beat}"));
    })
    .await;
}

#[tokio::test]
async fn certificates_that_are_played_back_keep_no_sidecar_fresh() {
    let stack = Stack::builder().start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    let mut recorded: Vec<(String, String)> = Vec::new();
    while recorded.len() < 20 {
        let next = async || recorded.last().is_none_or(|(last, _)| *last != meta(&stack, "hb"));
        until("a heartbeat is closed", LIMIT, next).await.unwrap();
        recorded.push((meta(&stack, "hb"), meta(&stack, "cert")));
    }
    freeze_admins(&stack);
    let mut tape = recorded.iter().cycle();
    attack(&stack, &pair, |_| {
        let (beat, certificate) = tape.next().unwrap();
        write(&stack, &format!("HSET {META} hb_open 1"));
        write(&stack, &format!("HSET {META} hb_open {beat} hb {beat} cert \"{certificate}\""));
    })
    .await;
}

#[tokio::test]
async fn a_sidecar_that_starts_beside_an_earlier_log_decides_nothing() {
    let stack = Stack::builder().start().await.unwrap();
    let (person, pair) = Person::signed_in(&stack).await;
    let other = person.sign_in(&stack).await;
    other.sign_out(&stack).await;
    let before = ["epoch", "seq", "history", "roles", "roles_tags", "hb", "cert"]
        .map(|field| (field, meta(&stack, field)));
    pair.sign_out(&stack).await;
    until("the sign-out is in the log", LIMIT, async || meta(&stack, "seq") != before[1].1).await.unwrap();
    freeze_admins(&stack);
    // The log as it was before the sign-out.
    write(&stack, &format!("XTRIM {LOG} MAXLEN 0"));
    let [sidecar, ..] = stack.sidecars.as_slice() else { panic!("a sidecar runs") };
    let keys = format!("file:{}", sidecar.folder().join("jwks.json").display());
    let mut late = stack.another_sidecar_with(&[("INTROSPECT_JWKS", keys)]).unwrap();
    let begun = Instant::now();
    for turn in 1_u64.. {
        for (field, value) in &before {
            write(&stack, &format!("HSET {META} {field} \"{value}\""));
        }
        write(&stack, &format!("HSET {META} floor {} hb_open {turn}", before[1].1));
        if late.is_ready().await || (begun.elapsed() > ATTACK) {
            break;
        }
    }
    assert!(!late.is_ready().await);
    assert_eq!(ask(&late, &pair, "user").await, 404);
    late.kill().unwrap();
}

#[tokio::test]
async fn a_role_map_that_admin_did_not_sign_grants_nothing() {
    let stack = Stack::builder().start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    let [sidecar, ..] = stack.sidecars.as_slice() else { panic!("a sidecar runs") };
    assert_eq!(ask(sidecar, &pair, "user;permission=films:watch;stale=300s").await, 403);
    freeze_admins(&stack);
    let (epoch, version) = (meta(&stack, "epoch"), meta(&stack, "roles").parse::<u64>().unwrap() + 1);
    let roles = r#"[{"name":"viewer","permissions":["*"],"inherits":[]}]"#;
    let map = format!(r#"{{"format":1,"epoch":{epoch},"version":{version},"roles":{roles}}}"#);
    write(&stack, &format!("SET {ROLES} '{map}'"));
    write(&stack, &format!("HSET {META} roles {version}"));
    let is_unknown = async || ask(sidecar, &pair, "user;permission=films:watch;stale=300s").await == 404;
    until("the sidecar has no role map", LIMIT, is_unknown).await.unwrap();
    assert_eq!(ask(sidecar, &pair, "user;role=viewer;stale=300s").await, 404);
}

#[tokio::test]
async fn a_sidecar_with_another_key_decides_nothing_and_says_why() {
    let stack = Stack::builder().start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    let other = harness::random::key().unwrap();
    let late = stack.another_sidecar_with(&[("INTROSPECT_REVOCATION_KEYS", other)]).unwrap();
    let says_why = async || late.process().log().contains("INTROSPECT_REVOCATION_KEYS");
    until("the log has the reason", LIMIT, says_why).await.unwrap();
    assert!(!late.is_ready().await);
    assert_eq!(ask(&late, &pair, "user").await, 404);
}
