//! nginx in front of the cinema, without a sidecar and without admin.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use harness::http::{call, get, post, raw};
use harness::nginx::{Machine, Nginx};
use harness::wait::until;
use harness::{Folder, Origin};

const LIMIT: Duration = Duration::from_secs(5);

/// A gateway whose sidecar and admin are not running.
pub(crate) struct Gateway {
    pub(crate) nginx: Nginx,
    _origin: Origin,
    _folder: Folder,
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        Self::start_with("", "").await
    }

    pub(crate) async fn start_with(http: &str, server: &str) -> Self {
        let folder = Folder::temporary().unwrap();
        let nothing = format!("unix:{}", folder.join("absent.sock").display());
        Self::start_in(folder, nothing, http, server).await
    }

    /// A gateway that asks the program at `introspect` about tokens.
    async fn start_asking(introspect: String) -> Self {
        Self::start_in(Folder::temporary().unwrap(), introspect, "", "").await
    }

    async fn start_in(folder: Folder, introspect: String, http: &str, server: &str) -> Self {
        let origin = Origin::start(&folder, None).await.unwrap();
        let machine = Machine {
            introspect: vec![introspect],
            admin: vec![format!("127.0.0.1:{}", harness::ports::free().unwrap())],
            origin: vec![origin.address()],
            http: http.to_owned(),
            server: server.to_owned(),
            ..Machine::default()
        };
        Self { nginx: Nginx::start(&machine).await.unwrap(), _origin: origin, _folder: folder }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.nginx.url())
    }
}

const IDENTITY_HEADERS: [&str; 5] =
    ["X-User-Id", "X-User-Roles", "X-Session-Id", "X-Auth-Freshness", "X-Auth-Policy"];

#[tokio::test]
async fn a_public_location_needs_no_token_and_tells_no_identity() {
    let gateway = Gateway::start().await;
    let answer = get(&gateway.url("/api/v1/genres/")).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("/received/X-User-Id"), "");
    assert_eq!(answer.field("/genres/0"), "Drama");
}

#[tokio::test]
async fn identity_headers_of_a_client_are_refused_in_every_spelling() {
    let gateway = Gateway::start().await;
    for name in IDENTITY_HEADERS {
        let underscores = name.replace('-', "_");
        let mixed = name.replacen('-', "_", 1);
        for spelling in [name, &underscores, &mixed, &name.to_uppercase(), &underscores.to_lowercase()] {
            for path in ["/api/v1/genres/", "/api/v1/films/", "/api/v1/auth/login", "/nothing"] {
                let answer = get(&gateway.url(path)).header(spelling, "0").send().await;
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (400, "identity_header_refused"),
                    "{spelling}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_empty_identity_header_does_not_hide_a_second_one() {
    let gateway = Gateway::start().await;
    for (first, second) in
        [("X-User-Id", "X-User-Id"), ("X-User-Id", "X_User_Id"), ("X_User-Id", "X-User_Id")]
    {
        let question = get(&gateway.url("/api/v1/genres/")).header(first, "").header(second, "spoof");
        let answer = question.send().await;
        // For a header that is sent several times, nginx reads all of them since 1.23, and only the first before
        // that.
        let hidden = answer.status == 400 || !answer.text.contains("spoof");
        assert!(hidden && answer.field("/received/names_with_underscores/0").is_empty(), "{}", answer.text);
    }
}

#[tokio::test]
async fn the_guards_hold_at_paths_that_look_like_the_error_pages() {
    let gateway = Gateway::start_with("", "location ~* ^/_problem/ { return 200 reached; }").await;
    // As bytes, because a client would resolve the dots.
    for path in ["/_PROBLEM/400", "/_Problem/505", "/_problem/400x", "/a/%2e%2e/_Problem/400"] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-User-Id: spoof\r\nConnection: close\r\n\r\n");
        let answer = raw(&gateway.url(""), request.as_bytes()).await.unwrap();
        assert!(!answer.contains("reached"), "{path}: {answer}");
        let status = answer.get(..13);
        assert!([Some("HTTP/1.1 400 "), Some("HTTP/1.1 404 ")].contains(&status), "{path}: {answer}");
    }
    for path in ["/_PROBLEM//400", "/a/%2e%2e/_Problem/400", "/_Problem/%2e%2e/_PROBLEM/431"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = raw(&gateway.url(""), request.as_bytes()).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("\"not_found\""), "{path}: {answer}");
    }
}

#[tokio::test]
async fn paths_without_a_location_are_a_problem_404() {
    let gateway = Gateway::start().await;
    let paths = [
        "/",
        "/api/v1/admin/users",
        "/metrics",
        "/health/live",
        "/health/ready",
        "/_introspect",
        "/_problem/400",
        "/openapi.json",
        "/apidocs/",
        "/sign-in/",
        "/api/v1/adminauth",
        "/api/v1/authx",
        "/internal/x",
    ];
    for path in paths {
        let answer = get(&gateway.url(path)).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
        assert_eq!(answer.find_header("x-request-id"), Some(answer.field("/request_id").as_str()), "{path}");
    }
}

#[tokio::test]
async fn a_code_of_eight_kilobytes_reaches_admin() {
    let gateway = Gateway::start().await;
    // Percent-encoded, as a browser sends it. admin is not running, so nginx itself has read the line.
    let code = "%7E".repeat(8192);
    let path = format!("/api/v1/oauth/github/callback?state={}&code={code}", "s".repeat(43));
    let answer = get(&gateway.url(&path)).send().await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"));
}

#[tokio::test]
async fn an_unavailable_sidecar_is_a_problem_503_and_never_200() {
    let gateway = Gateway::start().await;
    for path in ["/api/v1/films/", "/api/v1/watch/", "/api/v1/downloads/", "/api/v1/account/"] {
        for question in
            [get(&gateway.url(path)), get(&gateway.url(path)).bearer("x"), post(&gateway.url(path))]
        {
            let answer = question.send().await;
            assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"), "{path}");
            assert_eq!(answer.find_header("retry-after"), Some("1"));
        }
    }
}

#[tokio::test]
async fn an_unavailable_sidecar_never_allows_under_a_careless_error_page() {
    let careless = "error_page 502 =200 /sorry; location = /sorry { return 200 sorry; }";
    let gateway = Gateway::start_with("", careless).await;
    let answer = get(&gateway.url("/api/v1/films/")).send().await;
    assert_ne!(answer.status, 200, "{}", answer.text);
}

/// The address of a program that answers every request with these bytes.
fn program_that_answers(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer_all(stream.unwrap(), response));
        }
    });
    address.to_string()
}

/// The subrequests have no body, so that each ends with an empty line.
fn answer_all(mut stream: TcpStream, response: &str) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        if line.is_empty() && stream.write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn another_program_at_the_sidecars_address_opens_nothing() {
    for response in [
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Auth-Decision: forbidden\r\n\r\n",
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 0\r\nX-Auth-Decision: allowed\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nX-Auth-Decision: allow\r\n\r\n",
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /\r\nX-Auth-Decision: allow\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nX-Auth-Decision: ALLOW\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nX-Auth-Decision: allow, allow\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nX-Auth-Decision: forbidden\r\nX-Auth-Decision: allow\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Accel-Redirect: /api/v1/genres/\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nX-User-Id: forged\r\nX-Auth-Decision:\r\n\r\n",
    ] {
        let gateway = Gateway::start_asking(program_that_answers(response)).await;
        for path in ["/api/v1/films/", "/api/v1/watch/", "/api/v1/downloads/", "/api/v1/account/"] {
            for request in [get(&gateway.url(path)), post(&gateway.url(path))] {
                let answer = request.send().await;
                let seen = (answer.status, answer.code());
                assert_eq!(seen, (503, "dependency_unavailable".to_owned()), "{response} {path}");
            }
        }
        assert_eq!(get(&gateway.url("/api/v1/genres/")).send().await.status, 200);
    }
    // The last answer lacked only the decision header: with it, the request is allowed. A redirect of nginx is not obeyed.
    for allow in [
        "HTTP/1.1 204 No Content\r\nX-Auth-Decision: allow\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nX-Accel-Redirect: /nothing\r\nX-Auth-Decision: allow\r\n\r\n",
    ] {
        let gateway = Gateway::start_asking(program_that_answers(allow)).await;
        assert_eq!(get(&gateway.url("/api/v1/films/")).send().await.status, 200);
    }
}

#[tokio::test]
async fn an_unavailable_admin_is_a_problem_503() {
    let gateway = Gateway::start().await;
    for path in ["/api/v1/auth/login", "/api/v1/me", "/api/v1/roles/", "/.well-known/jwks.json"] {
        let answer = get(&gateway.url(path)).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"), "{path}");
        assert!(answer.find_header("retry-after").is_some(), "{path}");
    }
}

#[tokio::test]
async fn the_request_id_is_nginx_s_on_its_way_in_and_out() {
    let gateway = Gateway::start().await;
    let question = get(&gateway.url("/api/v1/genres/")).header("X-Request-Id", "chosen-by-the-client");
    let answer = question.send().await;
    let id = answer.find_header("x-request-id").unwrap();
    assert_eq!((id.len(), answer.header_count("x-request-id")), (32, 1));
    assert_eq!(answer.field("/received/X-Request-Id"), id);
    // nginx writes the line after it has sent the response.
    until("the log line", LIMIT, async || gateway.nginx.access_log().contains(id)).await.unwrap();
}

#[tokio::test]
async fn no_log_holds_a_query_a_token_or_a_cookie() {
    let gateway = Gateway::start().await;
    for path in
        ["/api/v1/genres/?code=canary-q", "/api/v1/films/?code=canary-q", "/api/v1/oauth/x?code=canary-q"]
    {
        let question = get(&gateway.url(path)).bearer("canary-t").header("Cookie", "__Host-access=canary-c");
        question.header("Referer", "http://x/?canary-r").send().await;
    }
    until("the log lines", LIMIT, async || gateway.nginx.access_log().lines().count() == 3).await.unwrap();
    let log = gateway.nginx.access_log();
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    assert!(!(log + &gateway.nginx.error_log()).contains("canary"));
}

#[tokio::test]
async fn a_preflight_is_answered_only_where_it_was_asked_for() {
    let listed = "map $http_origin $cors { default refused; https://cinema.example allowed; }";
    let open = Gateway::start_with(listed, "include snippets/preflight.conf;").await;
    let preflight = |gateway: &Gateway, origin| {
        let ask = call(hyper::Method::OPTIONS, &gateway.url("/api/v1/films/"));
        ask.header("Origin", origin).header("Access-Control-Request-Method", "GET").send()
    };
    let answer = preflight(&open, "https://cinema.example").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.find_header("access-control-allow-origin"), Some("https://cinema.example"));
    assert_eq!(preflight(&open, "https://evil.example").await.status, 503);
    let closed = Gateway::start().await;
    assert_eq!(preflight(&closed, "https://cinema.example").await.status, 503);
}
