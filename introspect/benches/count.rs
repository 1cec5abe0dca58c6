//! Repeats one decision, for counting its instructions: the difference of two runs, divided by the difference
//! of their counts.
//!
//! `valgrind --tool=callgrind target/release/deps/count-* 20000`; the count defaults to 10000. With a second
//! number the location requires a permission, and the token's role has that many permissions. With the word
//! `http` each decision is a request over a Unix socket, with everything that the sidecar executes for it and the
//! few instructions of the client.

#![expect(unreachable_pub, reason = "a benchmark is no library")]

mod scene;

use std::sync::Arc;

use introspect::decide::Decider;
use introspect::metrics::Metrics;
use introspect::routes::DecisionHandler;
use introspect::server;
use runtime::listen::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::watch;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse().ok());
    let many = numbers.next().unwrap_or(10_000_u64);
    let permissions = numbers.next();
    let policy = if permissions.is_some() { scene::BY_PERMISSION } else { scene::BY_ROLE };
    let (decider, mint) = scene::decider(1_000, permissions.unwrap_or(1));
    let request = scene::request(&scene::token(&mint), policy);
    if arguments.iter().any(|argument| argument == "http") {
        return over_http(many, decider, &request);
    }
    for _ in 0..many {
        std::hint::black_box(decider.decide(std::hint::black_box(&request)));
    }
}

fn over_http(many: u64, decider: Decider, request: &http::Request<()>) {
    let mut bytes = b"GET /_introspect HTTP/1.1\r\n".to_vec();
    for (name, value) in request.headers() {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    let metrics = Metrics::new(1);
    let handler = DecisionHandler::of_workers(&Arc::new(decider), false, &metrics.tallies).remove(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (mut client, server) = UnixStream::pair().expect("a pair of sockets");
        let (_stop, stopped) = watch::channel(false);
        tokio::spawn(server::serve(Stream::Unix(server), handler, stopped));
        let mut answer = [0; 1024];
        for _ in 0..many {
            client.write_all(&bytes).await.expect("the server reads");
            let length = client.read(&mut answer).await.expect("the server answers");
            assert!(answer.starts_with(b"HTTP/1.1 204 ") && length < answer.len());
        }
    });
}
