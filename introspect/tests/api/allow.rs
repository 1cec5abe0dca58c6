//! Which requests are allowed, and with which identity.

use runtime::listen::Address;

use crate::support::{Setup, Sidecar};

#[test]
fn a_valid_token_is_allowed_with_its_identity() {
    let sidecar = Sidecar::start();
    let mut claims = sidecar.claims();
    claims["roles"] = serde_json::json!(["subscriber", "vip"]);
    let answer = sidecar.ask_with("user", &sidecar.mint.token(&claims));
    answer.is_allowed_as(claims["sub"].as_str().unwrap());
    assert_eq!(answer.header("x-user-roles"), Some("subscriber,vip"));
    assert_eq!(answer.header("x-session-id"), claims["sid"].as_str());
    assert_eq!(answer.header("x-auth-freshness"), Some("fresh"));
    assert_eq!(answer.header("date"), None);
}

#[test]
fn a_service_account_has_no_session_and_perhaps_no_roles() {
    let sidecar = Sidecar::start();
    let mut claims = sidecar.claims();
    claims.as_object_mut().unwrap().remove("sid");
    claims["roles"] = serde_json::json!([]);
    let answer = sidecar.ask_with("user", &sidecar.mint.token(&claims));
    answer.is_allowed_as(claims["sub"].as_str().unwrap());
    assert_eq!(answer.header("x-session-id"), None);
    assert_eq!(answer.header("x-user-roles"), Some(""));
}

#[test]
fn the_response_for_every_path_is_the_decision() {
    let sidecar = Sidecar::start();
    let token = sidecar.token();
    for path in ["/", "/health/live", "/metrics", "/%2e%2e/x?role=admin"] {
        let mut client = sidecar.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Auth-Policy: user\r\n\r\n").as_bytes());
        assert_eq!(client.answer().status, 401, "{path}");
        let with_token = format!(
            "HEAD {path} HTTP/1.1\r\nHost: a\r\nX-Auth-Policy: user\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        client.send(with_token.as_bytes());
        assert_eq!(client.answer().status, 204, "{path}");
    }
}

#[test]
fn both_kinds_of_sockets_are_served_at_once() {
    let setup = Setup::new();
    let path = setup.folder.path().join("auth.sock");
    let listen = format!("unix:{},tcp:127.0.0.1:0", path.display());
    let sidecar = setup.with("INTROSPECT_LISTEN", listen).start();
    assert_eq!(sidecar.addresses[0], Address::Unix(path));
    let token = format!("Bearer {}", sidecar.token());
    for address in &sidecar.addresses {
        let mut client = crate::support::Client::connect(address);
        let answer = client.ask(&[("X-Auth-Policy", "user"), ("Authorization", &token)]);
        assert_eq!(answer.status, 204, "{address}");
    }
}

#[test]
fn a_thousand_requests_take_one_connection() {
    let sidecar = Sidecar::start();
    let mut client = sidecar.connect();
    let token = format!("Bearer {}", sidecar.token());
    for number in 0..1000 {
        let policy = ["user", "user;role=admin", "", "anonymous"][number % 4];
        let answer = client.ask(&[("X-Auth-Policy", policy), ("Authorization", &token)]);
        assert_eq!(answer.status, [204, 403, 403, 204][number % 4]);
    }
    assert_eq!(sidecar.metric("usher_introspect_connections_accepted_total"), 1);
    assert_eq!(sidecar.metric("usher_introspect_token_cache_lookups_total{result=\"miss\"}"), 1);
    assert_eq!(sidecar.metric("usher_introspect_token_cache_lookups_total{result=\"hit\"}"), 749);
}
