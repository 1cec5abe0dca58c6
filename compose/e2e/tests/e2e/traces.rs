//! Traces, from nginx's request ID to SQL, as a real OTLP receiver records them.

use harness::Stack;
use harness::http::{Reply, get};
use harness::nginx::EVERY_TRACE;
use harness::wait::until;
use hyper::Method;
use serde_json::Value;

use crate::people::{PASSWORD, Pair, Person, send};
use crate::receiver::Receiver;
use crate::support::LIMIT;

/// The spans of a revocation on its way to a sidecar, the last one first.
const APPLIED: [&str; 4] = ["apply revocation", "publish revocation", "revoke", "POST /api/v1/auth/logout"];

async fn sign_out(stack: &Stack, pair: &Pair) -> Reply {
    let signed_out = pair.ask(stack, Method::POST, "/api/v1/auth/logout", &Value::Null).await;
    assert_eq!(signed_out.status, 204);
    signed_out
}

async fn traced(receiver: &Receiver, sidecars: usize) -> Stack {
    let (url, soon) = (receiver.url(), ("OTEL_BSP_SCHEDULE_DELAY", "50"));
    let builder = Stack::builder().providers().sidecars(sidecars).nginx(EVERY_TRACE, "");
    let builder = builder.admin("OTEL_EXPORTER_OTLP_ENDPOINT", &url).admin(soon.0, soon.1);
    builder.sidecar("OTEL_EXPORTER_OTLP_ENDPOINT", &url).sidecar(soon.0, soon.1).start().await.unwrap()
}

#[tokio::test]
async fn a_request_is_found_by_its_id_from_nginx_to_sql() {
    let receiver = Receiver::start().await;
    let stack = traced(&receiver, 1).await;
    let person = Person::register(&stack).await;

    let signed_in = person.try_password(&stack, PASSWORD).await;
    let trace = signed_in.find_header("x-request-id").unwrap().to_owned();
    for name in ["POST /api/v1/auth/login", "select auth.users", "insert auth.sessions"] {
        receiver.has(&trace, name).await;
    }

    let pair = person.sign_in(&stack).await;
    let films = pair.get(&stack, "/api/v1/films/").await;
    assert_eq!(films.status, 200);
    receiver.has(films.find_header("x-request-id").unwrap(), "decide").await;

    let (departed, sent_back, returned) = through_github(&stack).await;
    let departure = departed.find_header("x-request-id").unwrap();
    for name in ["EVAL", "GET /api/v1/oauth/{provider}/login"] {
        receiver.has(departure, name).await;
    }
    let arrival = returned.find_header("x-request-id").unwrap();
    for name in ["EVAL", "POST", "GET", "GET /api/v1/oauth/{provider}/callback"] {
        receiver.has(arrival, name).await;
    }
    let mut theirs = values(departed.find_header("location").unwrap());
    theirs.extend(values(sent_back.find_header("location").unwrap()));
    theirs.push(returned.field("/access_token"));
    theirs.push(returned.field("/refresh_token"));

    let all = receiver.text();
    assert!(all.contains("usher-admin") && all.contains("usher-introspect"));
    assert!(all.contains(&person.id), "the traces name the user");
    for secret in [PASSWORD, &person.email, &pair.access, "eyJ", "state="] {
        assert!(!all.contains(secret), "{secret}");
    }
    for secret in theirs {
        assert!(!all.contains(&secret), "{secret}");
    }
}

/// Signs a user in through GitHub: the answers of the login endpoint, of the provider, and of the callback.
async fn through_github(stack: &Stack) -> (Reply, Reply, Reply) {
    let departed = send(get(&stack.gateway("/api/v1/oauth/github/login"))).await;
    assert_eq!(departed.status, 302);
    let cookie = departed.find_header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let sent_back = send(get(departed.find_header("location").unwrap()).header("x-choose", "anna")).await;
    assert_eq!(sent_back.status, 303);
    let returned = send(get(sent_back.find_header("location").unwrap()).header("cookie", &cookie)).await;
    assert_eq!(returned.status, 200, "{}", returned.text);
    (departed, sent_back, returned)
}

/// The values in an address's query that must not be guessable: codes, states, challenges.
fn values(address: &str) -> Vec<String> {
    let query = address.split_once('?').unwrap().1;
    let values = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.to_owned());
    let values: Vec<_> = values.filter(|value| value.len() >= 20 && !value.contains('%')).collect();
    assert!(!values.is_empty(), "{address}");
    values
}

#[tokio::test]
async fn traces_that_are_not_sampled_are_not_sent_and_a_client_cannot_change_that() {
    let receiver = Receiver::start().await;
    let url = receiver.url();
    let builder = Stack::builder().nginx("split_clients $request_id $trace_flags { * 00; }", "");
    let builder =
        builder.admin("OTEL_EXPORTER_OTLP_ENDPOINT", &url).sidecar("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
    let builder = builder.admin("OTEL_BSP_SCHEDULE_DELAY", "50").sidecar("OTEL_BSP_SCHEDULE_DELAY", "50");
    let mut stack = builder.start().await.unwrap();
    let theirs = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = format!("00-{theirs}-00f067aa0ba902b7-01");
    let asked = send(get(&stack.gateway("/api/v1/roles")).header("traceparent", &header)).await;
    assert_eq!(asked.status, 401);
    let (_, pair) = Person::signed_in(&stack).await;
    let films = get(&stack.gateway("/api/v1/films/")).header("traceparent", &header);
    let film = send(films.bearer(&pair.access)).await;
    assert_eq!(film.status, 200);
    let signed_out = sign_out(&stack, &pair).await;
    pair.is_refused(&stack, "the sign-out").await;
    // Traces that do not begin at nginx are kept; they arrive later. Both programs send their traces before they end.
    let direct = send(get(&stack.admins[0].url("/api/v1/roles"))).await;
    stack.sidecars[0].stop().await.unwrap();
    stack.admins[0].stop().await.unwrap();
    receiver.has(direct.find_header("x-request-id").unwrap(), "GET /api/v1/roles").await;
    assert!(!receiver.text().contains(theirs));
    for answer in [&asked, &film, &signed_out] {
        assert!(receiver.spans(answer.find_header("x-request-id").unwrap()).is_empty());
    }
}

#[tokio::test]
async fn a_sign_out_is_followed_from_its_request_to_every_sidecar() {
    let receiver = Receiver::start().await;
    let stack = traced(&receiver, 2).await;
    let (_person, pair) = Person::signed_in(&stack).await;
    let signed_out = sign_out(&stack, &pair).await;
    let trace = signed_out.find_header("x-request-id").unwrap();
    let two =
        async || receiver.chains(trace, APPLIED[0]).iter().filter(|chain| *chain == &APPLIED).count() == 2;
    until("the revocation reaches both sidecars", LIMIT, two)
        .await
        .unwrap_or_else(|why| panic!("{why}: {:?}\n{}", receiver.chains(trace, APPLIED[0]), receiver.text()));
}

#[tokio::test]
async fn waiting_spans_are_sent_before_the_program_ends() {
    let receiver = Receiver::start().await;
    let (url, never) = (receiver.url(), ("OTEL_BSP_SCHEDULE_DELAY", "60000"));
    let builder = Stack::builder()
        .nginx(EVERY_TRACE, "")
        .admin("OTEL_EXPORTER_OTLP_ENDPOINT", &url)
        .admin(never.0, never.1);
    let builder = builder.sidecar("OTEL_EXPORTER_OTLP_ENDPOINT", &url).sidecar(never.0, never.1);
    let mut stack = builder.start().await.unwrap();
    let (person, pair) = Person::signed_in(&stack).await;
    let film = pair.get(&stack, "/api/v1/films/").await;
    let signed_in = person.try_password(&stack, PASSWORD).await;
    stack.sidecars[0].stop().await.unwrap();
    receiver.has(film.find_header("x-request-id").unwrap(), "decide").await;
    stack.admins[0].stop().await.unwrap();
    receiver.has(signed_in.find_header("x-request-id").unwrap(), "POST /api/v1/auth/login").await;
}

#[tokio::test]
async fn a_receiver_that_stops_slows_no_request() {
    let mut receiver = Receiver::start().await;
    let stack = traced(&receiver, 1).await;
    let (person, pair) = Person::signed_in(&stack).await;
    receiver.kill();
    for _ in 0..15 {
        assert_eq!(pair.get(&stack, "/api/v1/films/").await.status, 200);
        assert_eq!(person.try_password(&stack, PASSWORD).await.status, 200);
    }
    let told = async || {
        let logs = [stack.admins[0].process().log(), stack.sidecars[0].process().log()];
        logs.iter().all(|log| log.matches("Failed to send traces").count() == 1)
    };
    until("a log line of each program", LIMIT, told).await.unwrap();
}
