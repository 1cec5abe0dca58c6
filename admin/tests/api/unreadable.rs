//! Bytes that are no request, or too large a one: the answer is a problem like any other.

use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::net::{TcpStream, UnixStream};

use crate::support::{Reply, TestApp, answers};

/// A service that listens on TCP and on a Unix socket.
struct Scene {
    app: TestApp,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("api.sock");
        let listen = format!("tcp:127.0.0.1:0,unix:{}", socket.display());
        let app = TestApp::start_with(&[("ADMIN_LISTEN", &listen)]).await;
        Self { app, socket, _folder: folder }
    }

    /// The answers over TCP, and those over the Unix socket.
    async fn answers(&self, bytes: &[u8]) -> [Vec<Reply>; 2] {
        let address = self.app.client.base().trim_start_matches("http://");
        let tcp = TcpStream::connect(address).await.unwrap();
        let unix = UnixStream::connect(&self.socket).await.unwrap();
        [answers(tcp, bytes).await, answers(unix, bytes).await]
    }
}

fn head(line: &str, headers: &str) -> String {
    format!("{line}\r\nHost: a\r\n{headers}\r\n")
}

/// Whether the answer is a problem with everything that one has.
fn check_problem(reply: &Reply) {
    let body: serde_json::Value = serde_json::from_str(&reply.text).unwrap();
    assert_eq!(body["request_id"], reply.header("x-request-id"), "{reply:?}");
    assert_eq!(body["status"], reply.status, "{reply:?}");
    assert_eq!(body["type"], format!("urn:usher:problem:{}", body["code"].as_str().unwrap()), "{reply:?}");
    for (name, value) in [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-length", &reply.text.len().to_string()),
    ] {
        assert_eq!(reply.header(name), value, "{reply:?}");
        assert_eq!(reply.headers.get_all(name).iter().count(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_answered_with_a_problem() {
    let scene = Scene::start().await;
    let fields = |count| "X: a\r\n".repeat(count);
    let long = |length| format!("X: {}\r\n", "a".repeat(length));
    let requests = [
        (head("GET / HTTP/1.1", "User-Agent: a\x0bb\r\n"), 400, "request_malformed"),
        (head("GET / HTTP/1.1", "Bad Name: a\r\n"), 400, "request_malformed"),
        (head("GET / HTTP/1.1", "Content-Length: x\r\n"), 400, "request_malformed"),
        (head("GET / HTTP/1.1", "Transfer-Encoding: gzip\r\n"), 400, "request_malformed"),
        (head("GET / HTTP/2.0", ""), 400, "request_malformed"),
        ("GET /\r\n\r\n".to_owned(), 400, "request_malformed"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 400, "request_malformed"),
        ("PRI * HTTP/2.0\r\n\r\n".to_owned(), 400, "request_malformed"),
        ("\x16\x03\x01\x02\0\x01\0\x01".to_owned(), 400, "request_malformed"),
        (head(&format!("GET /{} HTTP/1.1", "a".repeat(70_000)), ""), 414, "uri_too_long"),
        (head("GET / HTTP/1.1", &fields(1001)), 431, "headers_too_large"),
        (head("GET / HTTP/1.1", &long(500_000)), 431, "headers_too_large"),
    ];
    for (request, status, code) in requests {
        for replies in scene.answers(request.as_bytes()).await {
            let [reply] = &replies[..] else { panic!("{} answers to {request:.60}", replies.len()) };
            reply.clone().problem(status, code);
            check_problem(reply);
            assert_eq!(reply.header("connection"), "close", "{request:.60}");
            assert!(reply.headers.contains_key("date") || request.ends_with("SM\r\n\r\n"), "{request:.60}");
        }
    }
    let metrics = scene.app.ops.get("/metrics").send().await.text;
    let count = "requests_total{method=\"_OTHER\",route=\"none\",status=\"400\"} 18\n";
    assert!(metrics.contains(count), "{metrics}");
}

#[tokio::test]
async fn a_head_as_large_as_nginx_can_send_is_read() {
    let scene = Scene::start().await;
    let large = format!("X: {}\r\n", "a".repeat(36_000)).repeat(4);
    for headers in ["X: a\r\n".repeat(990), large] {
        for replies in scene.answers(head("GET /unknown HTTP/1.1", &headers).as_bytes()).await {
            assert_eq!(replies.len(), 1);
            replies[0].clone().problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn requests_before_unreadable_bytes_are_answered_as_ever() {
    let scene = Scene::start().await;
    let request = head("GET /.well-known/jwks.json HTTP/1.1", "");
    for replies in scene.answers((request.repeat(3) + "\0\r\n\r\n").as_bytes()).await {
        let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses, [200, 200, 200, 400]);
        check_problem(&replies[3]);
    }
}

/// Heads of requests, some of which are spoiled, and bytes after them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let heads = vec![
        head("GET /api/v1/me HTTP/1.1", "Cookie: a=b\r\n"),
        head("GET / HTTP/1.0", ""),
        head("OPTIONS * HTTP/1.1", ""),
        head("", ""),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ];
    let byte = prop_oneof![any::<u8>(), select(b"\r\n\0 :/".to_vec())];
    let spoiled = vec((any::<Index>(), any::<bool>(), byte), 0..5);
    let rest = prop_oneof![Just(Vec::new()), vec(any::<u8>(), 0..40)];
    (select(heads), spoiled, rest, 1..4usize).prop_map(|(head, spoiled, rest, times)| {
        let mut bytes = head.repeat(times).into_bytes();
        for (at, is_new, byte) in spoiled {
            let at = at.index(bytes.len());
            if is_new { bytes.insert(at, byte) } else { bytes[at] = byte }
        }
        // The head ends, so that there must be an answer.
        bytes.extend(b"\r\n\r\n");
        bytes.extend(rest);
        bytes
    })
}

/// Every answer is one of the service: a problem, with an identifier.
#[tokio::test]
async fn no_bytes_have_another_kind_of_answer() {
    let scene = Scene::start().await;
    let source = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), source);
    let (strategy, mut statuses) = (bytes(), Vec::new());
    for _ in 0..600 {
        let bytes = strategy.new_tree(&mut runner).unwrap().current();
        for replies in scene.answers(&bytes).await {
            assert!(!replies.is_empty(), "no answer to {:?}", bytes.escape_ascii().to_string());
            for reply in replies {
                check_problem(&reply);
                statuses.push(reply.status);
            }
        }
    }
    for status in [400, 401, 404] {
        assert!(statuses.contains(&status), "{status} never occurred");
    }
}
