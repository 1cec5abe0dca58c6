//! How much one client may ask of nginx: an IPv4 address, or an IPv6 /64.

use std::io::Write as _;
use std::net::{Ipv6Addr, TcpStream};

use harness::http::get;
use harness::nginx::{Machine, Nginx};
use harness::wait::until;

use crate::films::serve;
use crate::support::LIMIT;

/// The address of each request is that of its `X-Forwarded-For`.
const BEHIND_A_PROXY: &str =
    "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; real_ip_recursive on;";

/// More than the limit of requests in progress, and than the burst of requests to admin.
const FLOOD: usize = 300;

/// `limit_conn` of conf.d/limits.conf.
const IN_PROGRESS: usize = 256;

async fn start() -> Nginx {
    let nothing = format!("127.0.0.1:{}", harness::ports::free().unwrap());
    let answer = |_: &str, stream: &mut TcpStream| stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
    let machine = Machine {
        introspect: vec![nothing.clone()],
        admin: vec![nothing],
        origin: vec![serve(answer)],
        server: BEHIND_A_PROXY.to_owned(),
        ..Machine::default()
    };
    Nginx::start(&machine).await.unwrap()
}

/// The status of a request to a public location.
async fn status(nginx: &Nginx, address: &str) -> (u16, String) {
    let question = get(&format!("{}/api/v1/genres/", nginx.url())).header("X-Forwarded-For", address);
    let answer = question.send().await;
    (answer.status, answer.code())
}

/// Begins requests whose bodies do not arrive, as each of these addresses.
fn begin_slowly(nginx: &Nginx, address: impl Fn(usize) -> String) -> Vec<TcpStream> {
    let begin = |number| {
        let mut stream = TcpStream::connect(nginx.url().trim_start_matches("http://")).unwrap();
        let address = address(number);
        let head = format!(
            "POST /api/v1/genres/ HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {address}\r\nContent-Length: 9\r\n\r\n1"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    (0..FLOOD).map(begin).collect()
}

/// How many of them were refused at once. The others get no response while their bodies are missing.
fn refused(streams: &[TcpStream]) -> usize {
    let is_refused = |stream: &&TcpStream| {
        stream.set_nonblocking(true).unwrap();
        let mut answer = [0; 12];
        stream.peek(&mut answer).is_ok() && &answer == b"HTTP/1.1 429"
    };
    streams.iter().filter(is_refused).count()
}

/// An address of a /64, different for each number.
fn of_a_network(network: u16, number: usize) -> Ipv6Addr {
    let low = u16::try_from(number).unwrap();
    Ipv6Addr::new(0x2001, 0xdb8, 0x0a0a, network, low.wrapping_mul(7919), 0x0a0a, low, low.wrapping_add(1))
}

#[tokio::test]
async fn slow_bodies_of_one_client_are_bounded_and_others_are_not_affected() {
    type Addresses = fn(usize) -> String;
    let nginx = start().await;
    let clients: [(&str, Addresses, &str, &str); 4] = [
        ("IPv4", |_| "192.0.2.1".to_owned(), "192.0.2.1", "192.0.2.2"),
        ("IPv4 with ports", |n| format!("192.0.2.3:{}", 1024 + n), "192.0.2.3", "192.0.2.4"),
        ("a /64", |n| of_a_network(1, n).to_string(), "2001:db8:a0a:1::1", "2001:db8:a0a:2::1"),
        (
            "a /64 with ports",
            |n| format!("[{}]:443", of_a_network(3, n)),
            "2001:db8:a0a:3::1",
            "2001:db8:a0a:4::1",
        ),
    ];
    for (what, addresses, same, other) in clients {
        let slow = begin_slowly(&nginx, addresses);
        // Before another request of this client, which would take the place of one of them for a moment.
        let all_refused = async || refused(&slow) == FLOOD - IN_PROGRESS;
        until(what, LIMIT, all_refused).await.unwrap();
        assert_eq!(status(&nginx, same).await, (429, "rate_limited".to_owned()), "{what}");
        assert_eq!(status(&nginx, other).await.0, 204, "{what}");
        drop(slow);
        // They end with their connections.
        let allowed = async || status(&nginx, same).await.0 == 204;
        until(what, LIMIT, allowed).await.unwrap();
    }
}

#[tokio::test]
async fn an_ipv4_address_is_one_client_in_both_spellings() {
    let nginx = start().await;
    let slow = begin_slowly(&nginx, |number| {
        if number % 2 == 0 { "192.0.2.1".to_owned() } else { "::ffff:192.0.2.1".to_owned() }
    });
    let all_refused = async || refused(&slow) == FLOOD - IN_PROGRESS;
    until("the limit", LIMIT, all_refused).await.unwrap();
    assert_eq!(status(&nginx, "::ffff:192.0.2.2").await.0, 204);
}
