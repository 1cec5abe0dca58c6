//! From registration to a film, and to the sign-out.

use harness::Stack;
use harness::http::{get, post};
use harness::wait::until;
use hyper::Method;
use serde_json::{Value, json};

use crate::people::{PASSWORD, Pair, Person, send};
use crate::support::{LIMIT, claims, counter};

#[tokio::test]
async fn a_person_registers_signs_in_watches_a_film_signs_out_and_is_refused() {
    let stack = Stack::start().await.unwrap();
    stack.admins[0].command(&["roles", "create", "subscriber"], "").unwrap();
    let (person, pair) = Person::signed_in(&stack).await;

    let films = pair.get(&stack, "/api/v1/films/").await;
    assert_eq!(films.status, 200);
    assert_eq!(films.field("/received/X-User-Id"), person.id);
    assert_eq!(films.field("/received/X-Session-Id"), pair.session);

    let refused = pair.get(&stack, "/api/v1/watch/").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "insufficient_scope"));
    person.assign(&stack, "subscriber");
    pair.is_refused(&stack, "a token issued before the role").await;
    let pair = pair.refresh(&stack).await;
    let watched = pair.get(&stack, "/api/v1/watch/metropolis").await;
    assert_eq!((watched.status, watched.field("/title").as_str()), (200, "Metropolis"));
    assert_eq!(watched.field("/received/X-User-Roles"), "subscriber");

    let woken = woken(&stack).await;
    pair.sign_out(&stack).await;
    pair.is_refused(&stack, "a token of an ended session").await;
    until("the record of the wake message", LIMIT, async || self::woken(&stack).await > woken).await.unwrap();
    assert_eq!(pair.try_refresh(&stack).await.code(), "session_revoked");
}

/// How many records the sidecar has applied from wake messages, which arrive before it reads the log.
async fn woken(stack: &Stack) -> u64 {
    let page = send(get(&stack.sidecars[0].ops("/metrics"))).await.text;
    counter(&page, "usher_introspect_revocations_pushed_total")
}

#[tokio::test]
async fn a_prefetch_of_a_login_link_begins_no_sign_in() {
    let stack = Stack::start().await.unwrap();
    for (name, value) in
        [("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch"), ("X-Moz", "prefetch")]
    {
        let login = get(&stack.gateway("/api/v1/oauth/github/login")).header(name, value);
        let answer = send(login).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "prefetch_refused"), "{name}");
        assert_eq!(answer.find_header("set-cookie"), None);
    }
}

#[tokio::test]
async fn a_second_account_of_one_address_is_a_conflict() {
    let stack = Stack::start().await.unwrap();
    let person = Person::register(&stack).await;
    let body = json!({ "email": person.email.to_uppercase(), "password": PASSWORD });
    let answer = send(post(&stack.gateway("/api/v1/auth/register")).json(&body)).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "email_taken"));
}

#[tokio::test]
async fn bad_input_is_a_problem_and_never_5xx_through_nginx_too() {
    let stack = Stack::start().await.unwrap();
    let register = stack.gateway("/api/v1/auth/register");
    let good = json!({ "email": "a@cinema.example", "password": PASSWORD });
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body.to_string()
    };
    let bodies = [
        ("a bad address", with("email", json!("nobody")), 422),
        ("a short password", with("password", json!("short")), 422),
        ("an unknown field", with("is_superuser", json!(true)), 422),
        ("a broken body", "{\"email\":".to_owned(), 400),
        ("a zero character", with("display_name", json!("a\0b")), 400),
        ("a zero character in the address", with("email", json!("a\0@cinema.example")), 400),
        ("a large body", with("display_name", json!("x".repeat(1_000_000))), 413),
        ("no body", String::new(), 400),
        ("an array", "[]".to_owned(), 422),
    ];
    for (what, body, expected) in bodies {
        let question = post(&register).header("Content-Type", "application/json").body(body);
        let answer = send(question).await;
        let (status, code) = (answer.status, answer.code());
        assert!((400..500).contains(&status) && !code.is_empty(), "{what}: {status} {}", answer.text);
        // 400 and 422 are both right for a body that is malformed and invalid at once.
        assert!(status == expected || (expected != 413 && matches!(status, 400 | 422)), "{what}: {status}");
    }
}

#[tokio::test]
async fn admin_is_reached_by_its_public_routes_only() {
    let stack = Stack::start().await.unwrap();
    let jwks = send(get(&stack.gateway("/.well-known/jwks.json"))).await;
    assert_eq!(jwks.status, 200);
    assert!(!jwks.json()["keys"].as_array().unwrap().is_empty());
    for path in ["/api/v1/admin/users", "/metrics", "/health/live", "/health/ready"] {
        assert_eq!(send(get(&stack.gateway(path))).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn admin_s_answers_carry_the_id_that_nginx_made() {
    let stack = Stack::start().await.unwrap();
    let answer = send(get(&stack.gateway("/api/v1/me")).header("X-Request-Id", "mine")).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_missing"));
    let id = answer.field("/request_id");
    assert_eq!((id.len(), answer.find_header("x-request-id")), (32, Some(id.as_str())));
    assert_eq!(answer.header_count("x-request-id"), 1);
    until("the request's line in admin's log", LIMIT, async || stack.admins[0].process().log().contains(&id))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_real_token_expires() {
    let stack = Stack::builder()
        .admin("ADMIN_ACCESS_TOKEN_LIFE", "2s")
        .sidecar("INTROSPECT_LEEWAY", "0s")
        .start()
        .await
        .unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    pair.is_let_in(&stack).await;
    let expired = async || pair.get(&stack, "/api/v1/films/").await.code() == "token_expired";
    until("a token's expiry", LIMIT, expired).await.unwrap();
    pair.refresh(&stack).await.is_let_in(&stack).await;
}

#[tokio::test]
async fn a_foreign_token_and_forgeries_of_a_real_one_are_refused() {
    let stack = Stack::start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    let foreign = forge::Mint::new();
    let middle = pair.access.split('.').nth(1).unwrap();
    let other = Person::signed_in(&stack).await.1;
    let signature = other.access.rsplit('.').next().unwrap();
    let header = pair.access.split('.').next().unwrap();
    for (what, access) in [
        ("of another key", foreign.token(&claims(|_| {}))),
        ("of another key under our name", {
            let kid = send(get(&stack.gateway("/.well-known/jwks.json"))).await.field("/keys/0/kid");
            forge::Mint::new().named(&kid).token(&claims(|_| {}))
        }),
        ("unsigned", foreign.unsigned(&claims(|_| {}))),
        ("signed with the public key as a secret", foreign.hs256_with_public_key(&claims(|_| {}))),
        ("with another's signature", format!("{header}.{middle}.{signature}")),
        ("without a signature", format!("{header}.{middle}.")),
    ] {
        let forged = Pair { access, ..pair.clone() };
        let answer = forged.get(&stack, "/api/v1/films/").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "token_invalid"), "{what}");
        let answer = forged.ask(&stack, Method::GET, "/api/v1/me", &Value::Null).await;
        assert_eq!(answer.status, 401, "{what}, sent to admin");
    }
}
