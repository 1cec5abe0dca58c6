//! Requests that nginx would never send.

use crate::support::Sidecar;

fn head(line: &str, headers: &str) -> String {
    format!("{line}\r\nHost: a\r\nX-Auth-Policy: anonymous\r\n{headers}\r\n")
}

#[test]
fn methods_bodies_and_upgrades_are_refused() {
    let sidecar = Sidecar::start();
    for (line, headers) in [
        ("POST / HTTP/1.1", ""),
        ("POST / HTTP/1.1", "Content-Length: 0\r\n"),
        ("DELETE / HTTP/1.1", ""),
        ("OPTIONS * HTTP/1.1", ""),
        ("GET / HTTP/1.1", "Content-Length: 5\r\n"),
        ("GET / HTTP/1.1", "Transfer-Encoding: chunked\r\n"),
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n"),
        ("GET / HTTP/1.0", ""),
    ] {
        let mut client = sidecar.connect();
        client.send(head(line, headers).as_bytes());
        client.answer().is_forbidden();
    }
    let name = "usher_introspect_decisions_total{code=\"forbidden\",reason=\"unfit_request\"}";
    assert_eq!(sidecar.metric(name), 8);
}

#[test]
fn an_empty_body_that_is_declared_is_none() {
    let sidecar = Sidecar::start();
    let mut client = sidecar.connect();
    client.send(head("GET / HTTP/1.1", "Content-Length: 0\r\n").as_bytes());
    client.answer().is_allowed_anonymously();
}

#[test]
fn malformed_http_is_never_allowed() {
    let sidecar = Sidecar::start();
    let many = "X: a\r\n".repeat(200);
    for request in [
        head("GET / HTTP/1.1", &many),
        head("GET / HTTP/1.1", "Bad Name: a\r\n"),
        head("GET / HTTP/1.1", "Content-Length: 5\r\nContent-Length: 6\r\n"),
        head("GET / HTTP/1.1", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        head("GET / HTTP/9.9", ""),
        head("GET / HTTP/1.1", "Authorization: Bearer a\x0bb\r\n"),
        head("GET / HTTP/1.1", "Cookie: a=\x01\r\n"),
        head("GET / HTTP/1.1", &format!("X: {}\r\n", "a".repeat(400_000))),
        head(&format!("GET /{} HTTP/1.1", "a".repeat(65_600)), ""),
    ] {
        let mut client = sidecar.connect();
        client.send(request.as_bytes());
        client.answer().is_forbidden();
    }
    let name = "usher_introspect_decisions_total{code=\"forbidden\",reason=\"unfit_request\"}";
    assert_eq!(sidecar.metric(name), 9);
}

#[test]
fn a_head_without_bound_is_cut_off() {
    let sidecar = Sidecar::start();
    let long = head("GET / HTTP/1.1", &format!("X: {}\r\n", "a".repeat(1024 * 1024)));
    let words = sidecar.connect().last_words(long.as_bytes());
    assert!(words.is_empty() || words.starts_with("HTTP/1.1 403 "), "{words}");
}

#[test]
fn another_protocol_is_cut_off() {
    let sidecar = Sidecar::start();
    for request in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\r\n\r\n", "\x16\x03\x01\x02\0\x01\0\x01"] {
        let words = sidecar.connect().last_words(request.as_bytes());
        assert!(words.contains("x-auth-decision: forbidden"), "{request:?}: {words}");
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let sidecar = Sidecar::start();
    let mut client = sidecar.connect();
    let both = head("GET / HTTP/1.1", "") + &head("GET / HTTP/1.1", "X-Auth-Policy: again\r\n");
    client.send(both.as_bytes());
    client.answer().is_allowed_anonymously();
    client.answer().is_forbidden();
}

#[test]
fn connections_are_counted_for_as_long_as_they_are_open() {
    let sidecar = Sidecar::start();
    let mut clients: Vec<_> = (0..64).map(|_| sidecar.connect()).collect();
    let token = format!("Bearer {}", sidecar.token());
    for client in &mut clients {
        assert_eq!(client.ask(&[("X-Auth-Policy", "user"), ("Authorization", &token)]).status, 204);
    }
    assert_eq!(sidecar.metric("usher_introspect_connections_open"), 64);
    drop(clients);
    crate::support::wait_until("all are closed", || sidecar.metric("usher_introspect_connections_open") == 0);
}
