//! nginx's own error responses: every one is a problem with a code.

use harness::http::{get, post, raw};
use harness::{Certified, Folder};

use crate::gateway::Gateway;

#[tokio::test]
async fn a_problem_is_never_given_another_type_by_the_path() {
    let gateway = Gateway::start().await;
    for path in ["/poster.html", "/poster.jpg"] {
        assert_eq!(get(&gateway.url(path)).send().await.code(), "not_found");
    }
}

#[tokio::test]
async fn a_large_body_is_a_problem_413() {
    let gateway = Gateway::start().await;
    for path in ["/api/v1/auth/login", "/api/v1/films/"] {
        let answer = post(&gateway.url(path)).body(vec![b'x'; 17 * 1024]).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"), "{path}");
    }
}

#[tokio::test]
async fn people_get_pages_instead_of_problems_below_the_account() {
    let gateway = Gateway::start().await;
    // There is no admin.
    for (request, status) in [
        (get(&gateway.url("/account/")), 503),
        (get(&gateway.url("/account")), 503),
        (post(&gateway.url("/account/data/erase")).body(b"a=b".to_vec()), 503),
        (post(&gateway.url("/account/profile.jpg")).body(vec![b'x'; 17 * 1024]), 413),
    ] {
        let answer = request.send().await;
        assert_eq!((answer.status, answer.header("content-type")), (status, "text/html; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(
            answer.header("x-request-id").len() > 10 && answer.text.contains(answer.header("x-request-id"))
        );
        let both = answer.text.contains("<p lang=\"ru\">") && answer.text.contains("<html lang=\"en\">");
        assert!(both && !answer.text.contains("urn:usher"), "{}", answer.text);
    }
}

#[tokio::test]
async fn requests_that_cannot_be_read_are_problems() {
    let gateway = Gateway::start().await;
    let long = "a".repeat(40_000);
    let requests = [
        ("GARBAGE\r\n\r\n".to_owned(), "400", "request_malformed"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), "400", "request_malformed"),
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), "414", "uri_too_long"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"), "431", "headers_too_large"),
        ("TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(), "405", "method_not_allowed"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(),
            "501",
            "not_implemented",
        ),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n".to_owned(), "505", "http_version_not_supported"),
        // An odd path does not hide the reason.
        ("GET /;/../ HTTP/3.0\r\nHost: a\r\n\r\n".to_owned(), "505", "http_version_not_supported"),
        ("GET /; HTTP/1.1\r\nHost: a\r\nX-User-Id: 1\r\n\r\n".to_owned(), "400", "identity_header_refused"),
    ];
    for (request, status, code) in requests {
        let answer = raw(&gateway.nginx.url(), request.as_bytes()).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{answer}");
        for header in
            ["Content-Type: application/problem+json", "X-Content-Type-Options: nosniff", "X-Request-Id: "]
        {
            assert_eq!(answer.matches(header).count(), 1, "{header} in {answer}");
        }
        assert_eq!(answer.contains("\r\nAllow: GET, "), status == "405", "{answer}");
    }
}

#[tokio::test]
async fn problems_of_a_file_that_nginx_serves_itself_are_problems_too() {
    let folder = Folder::temporary().unwrap();
    folder.write("poster.txt", "a poster").unwrap();
    let location = format!("location = /poster.txt {{ root {}; }}", folder.path().display());
    let gateway = Gateway::start_with("", &location).await;
    let url = gateway.url("/poster.txt");
    for (request, status, code) in [
        (get(&url).header("Range", "bytes=99-"), 416, "range_not_satisfiable"),
        (get(&url).header("If-Match", "\"another\""), 412, "precondition_failed"),
        (post(&url), 405, "method_not_allowed"),
    ] {
        let answer = request.send().await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
    }
}

#[tokio::test]
async fn http_at_the_port_of_https_is_a_problem_400() {
    let (certified, folder) = (Certified::new().unwrap(), Folder::temporary().unwrap());
    let file = |name| folder.write(name, &certified.text(name).unwrap()).unwrap().display().to_string();
    let (certificate, key, port) = (file("server.pem"), file("server.key"), harness::ports::free().unwrap());
    let tls = format!(
        "listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key}; \
         include snippets/tls.conf;"
    );
    let _gateway = Gateway::start_with("", &tls).await;
    let answer = get(&format!("http://127.0.0.1:{port}/api/v1/genres/")).send().await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "request_malformed"));
}

#[tokio::test]
async fn too_many_requests_are_a_problem_429_and_not_503() {
    let gateway = Gateway::start().await;
    // On one connection, so that they arrive faster than the limit allows, however busy this machine is.
    let one = "GET /api/v1/auth/login HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = "GET /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = raw(&gateway.nginx.url(), (one.repeat(600) + last).as_bytes()).await.unwrap();
    let statuses: Vec<&str> =
        answers.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)).collect();
    assert_eq!(statuses.len(), 601, "{statuses:?}");
    // There is no admin, so those within the limit are 503.
    assert!(statuses.iter().all(|status| ["429", "503"].contains(status)), "{statuses:?}");
    let limited = answers.split("HTTP/1.1 ").find(|answer| answer.starts_with("429 ")).unwrap();
    assert!(
        limited.contains("\"code\":\"rate_limited\"") && limited.contains("\r\nRetry-After: 1\r\n"),
        "{limited}"
    );
    let requests = (one.repeat(600) + last).replace("/api/v1/auth/login", "/account/");
    let answers = raw(&gateway.nginx.url(), requests.as_bytes()).await.unwrap();
    let limited = answers.split("HTTP/1.1 ").find(|answer| answer.starts_with("429 ")).unwrap();
    assert!(
        limited.contains("\r\nRetry-After: 1\r\n") && limited.contains("<h1>Too many requests"),
        "{limited}"
    );
}
