//! The credentials of a request on their way through nginx: what the sidecar can read, and what the origin does not get.

use harness::http::{get, raw};
use serde_json::json;

use crate::gateway::Gateway;
use crate::support::Cinema;

#[tokio::test]
async fn the_origin_gets_neither_the_token_nor_a_cookie_of_ours() {
    let gateway = Gateway::start().await;
    let cookies = [
        ("a=1; __Host-access=secret; b=2", vec!["a", "b"]),
        ("__Host-access=secret", vec![]),
        ("__Host-access=secret; b=2", vec!["b"]),
        ("a=1; __Host-access=secret", vec!["a"]),
        ("a=1; __Host-access=x; b=2; __Host-access=y", vec!["a", "b"]),
        ("__Host-oauth=secret", vec![]),
        ("a=1; __Host-oauth=secret; b=2", vec!["a", "b"]),
        ("__Host-oauth=secret; a=1; __Host-access=secret", vec!["a"]),
        ("a=1; b=2", vec!["a", "b"]),
        ("__Host-device=1; a=1; __Host-refresh=2; b=2; __Host-oauth=3", vec!["a", "b"]),
        ("a=1;__host-ACCESS =secret;b=2", vec!["a", "b"]),
        ("__Host-page=1; a=1; __Host-console=2; b=2; __Host-console-page=3", vec!["a", "b"]),
        ("__Host-access; a=1", vec!["a"]),
        ("\t__Host-access=secret; a=1", vec!["a"]),
        (" \t \t__Host-oauth=secret", vec![]),
        ("a=1;\t__Host-access\t=secret;\tb=2", vec!["a", "b"]),
        (
            "x__Host-access=1; __Host-accessory=2; __Host-cart=3",
            vec!["x__Host-access", "__Host-accessory", "__Host-cart"],
        ),
    ];
    for (cookie, left) in cookies {
        let question = get(&gateway.url("/api/v1/genres/")).bearer("secret").header("Cookie", cookie);
        let received = question.send().await.json()["received"].clone();
        assert_eq!(received["Authorization"], false);
        assert_eq!(received["cookies"], serde_json::json!(left), "{cookie}");
    }
}

#[tokio::test]
async fn so_many_cookies_of_ours_that_some_might_be_left_leave_none() {
    let gateway = Gateway::start().await;
    for (count, left) in [(8, 9), (9, 0), (100, 0)] {
        let cookies = format!("a=1; {}", "__Host-access=secret; a=1; ".repeat(count));
        let answer = get(&gateway.url("/api/v1/genres/")).header("Cookie", &cookies).send().await;
        assert_eq!(answer.json()["received"]["cookies"].as_array().unwrap().len(), left, "{count}");
    }
}

#[tokio::test]
async fn the_cookie_that_the_operator_chose_does_not_reach_the_origin() {
    let chosen = "map \"\" $access_cookie { default cinema.token; }";
    let gateway = Gateway::start_with(chosen, "").await;
    for (cookie, left) in [
        ("a=1; cinema.token=secret; b=2; __Host-access=secret", vec!["a", "b"]),
        ("cinemaXtoken=1; Cinema.Token=secret", vec!["cinemaXtoken"]),
    ] {
        let answer = get(&gateway.url("/api/v1/genres/")).header("Cookie", cookie).send().await;
        assert_eq!(answer.json()["received"]["cookies"], json!(left), "{cookie}");
    }
}

/// The status of a request with these headers.
async fn status(cinema: &Cinema, method: &[u8], headers: &[u8]) -> u16 {
    let rest = b" /api/v1/films/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    let request = [method, &rest[..], headers, b"\r\n\r\n"].concat();
    let answer = raw(&cinema.url(""), &request).await.unwrap();
    let status = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
    let is_of_the_origin = answer.contains("\"received\"");
    assert!(is_of_the_origin || answer.contains("application/problem+json"), "{answer}");
    status
}

#[tokio::test]
async fn no_byte_of_a_client_looks_like_a_failure_of_the_sidecar() {
    let cinema = Cinema::start().await;
    let good = format!("Authorization: Bearer {}\r\n", cinema.token(|_| {}));
    let good = good.as_bytes();
    for byte in 0..=u8::MAX {
        let is_control = byte.is_ascii_control() && byte != b'\t';
        let odd = |before: &[u8]| [before, b"a", &[byte], b"b"].concat();
        let with_token = |name: &[u8]| [good, &odd(name)].concat();
        let token = status(&cinema, b"GET", &odd(b"Authorization: Bearer ")).await;
        let cookie = status(&cinema, b"GET", &with_token(b"Cookie: x=")).await;
        // After a line end, the rest is another header, which some versions of nginx ignore.
        let is_end = byte == b'\n' && [token, cookie] == [401, 200];
        assert_eq!(token, if is_control && !is_end { 400 } else { 401 }, "{byte:#x} in a token");
        assert_eq!(cookie, if is_control && !is_end { 400 } else { 200 }, "{byte:#x} in a cookie");
        for name in [&b"traceparent: "[..], b"X-Request-Id: ", b"X-Original-Method: ", b"Host: "] {
            let seen = status(&cinema, b"GET", &with_token(name)).await;
            assert!((200..500).contains(&seen), "{byte:#x} in {}: {seen}", name.escape_ascii());
        }
        let seen = status(&cinema, &[b'G', byte, b'T'], good).await;
        assert!((200..500).contains(&seen), "{byte:#x} in the method: {seen}");
    }
}

#[tokio::test]
async fn credentials_as_long_as_nginx_accepts_are_read_by_the_sidecar() {
    let cinema = Cinema::start().await;
    let token = format!("Authorization: Bearer {}\r\n", cinema.token(|_| {}));
    let line = format!("Cookie: a={}\r\n", "b".repeat(32_700));
    for count in 1..=4 {
        let headers = format!("{token}{}X: y", line.repeat(count));
        let seen = status(&cinema, b"GET", headers.as_bytes()).await;
        assert!([200, 431].contains(&seen), "{count}: {seen}");
    }
    assert_eq!(status(&cinema, b"GET", format!("{token}{line}X: y").as_bytes()).await, 200);
    let method = "A".repeat(30_000);
    let seen = status(&cinema, method.as_bytes(), token.as_bytes()).await;
    assert!(seen < 500, "{seen}");
}
