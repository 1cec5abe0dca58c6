//! Every line of nginx's access log is JSON in UTF-8, whatever bytes a client sends.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use harness::hang_up::{Departure, hang_up};
use harness::nginx::{Machine, Nginx};
use harness::wait::until;
use harness::{Folder, Origin};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::support::LIMIT;

/// How many requests are sent.
const REQUESTS: usize = 500;

/// A part of a request: random bytes, bytes from UTF-8 and beside it, or text.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces: [&[u8]; 14] = [
        b"\"",
        b"\\",
        b"\x7f",
        b"\xff",
        b"\xc3\xa9",
        b"\xe2\x82\xac",
        b"\xe2\x82",
        b"\xf0\x9f\x98\x80",
        b"\xf0\x9f\x98",
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"\xf4\x90\x80\x80",
        b"\x80",
        b"a?",
    ];
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        prop::collection::vec(0x80_u8.., 0..80),
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..20).prop_map(|parts| parts.concat()),
        "\\PC{0,40}".prop_map(String::into_bytes),
        // The longest header that nginx takes.
        prop::sample::select(vec![b'a', 0xd0, 0xff]).prop_map(|byte| vec![byte; 15_000]),
    ]
    .prop_map(|bytes| bytes.into_iter().filter(|byte| ![b'\r', b'\n', 0].contains(byte)).collect())
}

/// A request with such bytes in one of the logged values, or in all of them.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let anywhere = (0..5_usize, prop::array::uniform4(bytes()));
    anywhere.prop_map(|(place, [method, path, host, agent])| {
        let is_here = |here: usize| place == here || (place == 4 && here > 0);
        let pick = |here, odd: Vec<u8>, usual: &[u8]| if is_here(here) { odd } else { usual.to_vec() };
        let path: Vec<u8> = path.into_iter().filter(|byte| *byte != b' ').collect();
        [
            &*pick(0, method, b"GET"),
            b" /api/v1/genres/",
            &pick(1, path, b""),
            b" HTTP/1.1\r\nHost: ",
            &pick(2, host, b"cinema.example"),
            b"\r\nUser-Agent: ",
            &pick(3, agent, b"television"),
            b"\r\nConnection: close\r\n\r\n",
        ]
        .concat()
    })
}

async fn gateway(folder: &Folder) -> (Nginx, Origin) {
    let origin = Origin::start(folder, None).await.unwrap();
    let nothing = format!("127.0.0.1:{}", harness::ports::free().unwrap());
    let machine = Machine {
        introspect: vec![nothing.clone()],
        admin: vec![nothing],
        origin: vec![origin.address()],
        ..Machine::default()
    };
    (Nginx::start(&machine).await.unwrap(), origin)
}

/// Sends a request, and waits for the end of the response.
fn send(address: &str, request: &[u8]) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request).unwrap();
    // nginx may close the connection of a request that it refuses before it has read all of it.
    let _reset = stream.read_to_end(&mut Vec::new());
}

#[tokio::test]
async fn every_line_is_json_whatever_a_client_sends() {
    let folder = Folder::temporary().unwrap();
    let (nginx, _origin) = gateway(&folder).await;
    let address = nginx.url().trim_start_matches("http://").to_owned();
    let mut runner = TestRunner::default();
    let requests: Vec<_> =
        (0..REQUESTS).map(|_| request().new_tree(&mut runner).unwrap().current()).collect();
    for request in &requests {
        send(&address, request);
    }
    // Requests without a protocol, and without a response.
    send(&address, b"GET /api/v1/genres/\xff\r\n");
    for departure in Departure::ALL {
        hang_up(&nginx.url(), b"GET /api/v1/genres/\xff HTTP/1.1\r\nHost: \xff\r\n\r\n", departure)
            .await
            .unwrap();
    }
    let is_complete = async || nginx.access_log_bytes().split(|byte| *byte == b'\n').count() > REQUESTS + 4;
    until("all log lines", LIMIT, is_complete).await.unwrap();
    let log = nginx.access_log_bytes();
    for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let text = std::str::from_utf8(line).unwrap_or_else(|_| panic!("{}", line.escape_ascii()));
        let line: Value = serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"));
        assert!(line["status"].is_u64(), "{text}");
    }
}

#[tokio::test]
async fn valid_text_is_logged_as_it_is_and_other_bytes_end_the_value() {
    let folder = Folder::temporary().unwrap();
    let (nginx, _origin) = gateway(&folder).await;
    let address = nginx.url().trim_start_matches("http://").to_owned();
    for (sent, logged) in [
        ("кино 🎬 \"TV\" \\".as_bytes(), "кино 🎬 \"TV\" \\"),
        (b"TV \xffbehind", "TV \u{fffd}"),
        (b"\xd0\xba\xd0", "к\u{fffd}"),
    ] {
        let head = b"GET /api/v1/genres/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: ";
        send(&address, &[head, sent, b"\r\n\r\n"].concat());
        let is_logged = async || {
            let log = nginx.access_log();
            let last: Value = serde_json::from_str(log.lines().last().unwrap_or("{}")).unwrap_or_default();
            last["agent"] == logged
        };
        until(logged, LIMIT, is_logged).await.unwrap();
    }
    send(
        &address,
        b"GET /api/v1/genres/a\xffb?code=canary HTTP/1.1\r\nHost: a\xff\r\nConnection: close\r\n\r\n",
    );
    let is_logged = async || nginx.access_log().contains("\"path\":\"/api/v1/genres/a\u{fffd}\"");
    until("the path", LIMIT, is_logged).await.unwrap();
    assert!(!nginx.access_log().contains("canary"));
}
