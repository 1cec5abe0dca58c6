//! The headers in which a token may be sent.

use crate::support::Sidecar;

#[test]
fn a_cookie_counts_only_where_allowed_and_for_reading() {
    let sidecar = Sidecar::start();
    let cookie = format!("theme=dark; __Host-access={}", sidecar.token());
    let mut client = sidecar.connect();
    for (policy, method, status) in [
        ("user;cookie=allow", "GET", 204),
        ("user;cookie=allow", "HEAD", 204),
        ("user;cookie=allow", "POST", 401),
        ("user;cookie=allow", "DELETE", 401),
        ("user;cookie=allow", "get", 401),
        ("user", "GET", 401),
    ] {
        let headers = [("X-Auth-Policy", policy), ("X-Original-Method", method), ("Cookie", &*cookie)];
        assert_eq!(client.ask(&headers).status, status, "{policy} {method}");
    }
    let without_method = [("X-Auth-Policy", "user;cookie=allow"), ("Cookie", &*cookie)];
    assert_eq!(client.ask(&without_method).status, 401);
}

#[test]
fn a_bearer_decides_alone() {
    let sidecar = Sidecar::start();
    let claims = sidecar.claims();
    let bearer = format!("bEARER {}", sidecar.mint.token(&claims));
    let cookie = format!("__Host-access={}", sidecar.token());
    let answer = sidecar.ask("user;cookie=allow", &[("Authorization", &bearer), ("Cookie", &cookie)]);
    answer.is_allowed_as(claims["sub"].as_str().unwrap());
    let answer = sidecar.ask("user;cookie=allow", &[("Authorization", "Bearer a.b.c"), ("Cookie", &cookie)]);
    answer.is_unauthorized("token_invalid");
}

#[test]
fn other_schemes_are_ignored() {
    let sidecar = Sidecar::start();
    let cookie = format!("__Host-access={}", sidecar.token());
    let basic = ("Authorization", "Basic dXNlcjpwYXNz");
    assert_eq!(sidecar.ask("user;cookie=allow", &[basic, ("Cookie", &cookie)]).status, 204);
    let answer = sidecar.ask("user", &[basic]);
    assert_eq!((answer.status, answer.challenge()), (401, "Bearer realm=\"cinema\""));
    sidecar.ask("anonymous", &[basic]).is_allowed_anonymously();
}

#[test]
fn two_tokens_are_refused_in_any_headers() {
    let sidecar = Sidecar::start();
    let (one, two) = (sidecar.token(), sidecar.token());
    let bearer = format!("Bearer {one}");
    let answer = sidecar.ask("user", &[("Authorization", &bearer), ("Authorization", &bearer)]);
    answer.is_unauthorized("token_invalid");
    let both = format!("__Host-access={one}; __Host-access={two}");
    for policy in ["user;cookie=allow", "anonymous;cookie=allow"] {
        sidecar.ask(policy, &[("Cookie", &both)]).is_unauthorized("token_invalid");
    }
    let same = format!("__Host-access={one}; __Host-access={one}");
    assert_eq!(sidecar.ask("user;cookie=allow", &[("Cookie", &same)]).status, 204);
}

#[test]
fn malformed_cookies_of_other_programs_are_ignored() {
    let sidecar = Sidecar::start();
    let mut client = sidecar.connect();
    let mut request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Auth-Policy: user;cookie=allow\r\nX-Original-Method: GET\r\nCookie: x=\xff\xfe; ".to_vec();
    request.extend(format!("__Host-access={}; =; ;;\r\n\r\n", sidecar.token()).bytes());
    client.send(&request);
    assert_eq!(client.answer().status, 204);
}
