//! Large films through nginx: whole, never on its disk, and no longer than their viewers watch.

use std::io::{BufRead, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use harness::hang_up::{Departure, hang_up};
use harness::http::get;
use harness::nginx::{Machine, Nginx};
use harness::wait::until;

use crate::support::LIMIT;

const MIB: u64 = 1 << 20;

/// Each block of a film begins with its number, so that a missing or repeated part is noticed.
const BLOCK: u64 = 64 * 1024;

/// How long a part of a film may wait until the film counts as blocked.
const BLOCKED: Duration = Duration::from_secs(1);

/// The films of an origin, and what happened to them.
#[derive(Default)]
pub(crate) struct Films {
    /// Bytes that nginx has accepted.
    sent: AtomicU64,
    /// nginx reads no further.
    is_blocked: AtomicBool,
    /// Films that nginx broke off.
    broken_off: AtomicUsize,
    /// Requests that change something.
    changes: AtomicUsize,
}

/// A gateway in front of an origin with films of any size.
struct Gateway {
    nginx: Nginx,
    films: Arc<Films>,
}

impl Gateway {
    async fn start() -> Self {
        let films = Arc::new(Films::default());
        let machine = Machine {
            introspect: vec![serve(|_, stream| stream.write_all(ALLOW))],
            admin: vec![format!("127.0.0.1:{}", harness::ports::free().unwrap())],
            origin: vec![serve({
                let films = Arc::clone(&films);
                move |head, stream| films.answer(head, stream)
            })],
            ..Machine::default()
        };
        Self { nginx: Nginx::start(&machine).await.unwrap(), films }
    }

    /// Requests a film of this size, and reads until the beginning of its content.
    fn begin(&self, size: u64) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.nginx.url().trim_start_matches("http://")).unwrap();
        let request =
            format!("GET /api/v1/films/{size} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::with_capacity(MIB as usize, stream);
        let head = head(&mut reader).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {size}\r\n")), "{head}");
        reader
    }
}

const ALLOW: &[u8] = b"HTTP/1.1 204 No Content\r\nX-Auth-Decision: allow\r\n\r\n";

/// Answers the requests of every connection, until a connection breaks; returns the address.
pub(crate) fn serve<A>(answer: A) -> String
where
    A: Fn(&str, &mut TcpStream) -> std::io::Result<()> + Clone + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(head) = head(&mut reader) {
                    if answer(&head, &mut stream).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address.to_string()
}

/// A request's or a response's head.
fn head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

/// The content of a film between two positions.
fn content(from: u64, to: u64) -> Vec<u8> {
    (from..to).map(|at| block(at / BLOCK).get((at % BLOCK) as usize).copied().unwrap_or_default()).collect()
}

/// The beginning of a block, its number in eight digits; the rest is zeros.
fn block(number: u64) -> [u8; 8] {
    std::array::from_fn(|digit| b'0' + (number / 10_u64.pow(7 - digit as u32) % 10) as u8)
}

impl Films {
    /// Sends a film, or the requested part of it.
    pub(crate) fn answer(&self, head: &str, stream: &mut TcpStream) -> std::io::Result<()> {
        if !head.starts_with("GET ") {
            self.changes.fetch_add(1, Ordering::Relaxed);
            return stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
        }
        let size: u64 = head.split(['/', ' ']).nth(5).unwrap().parse().unwrap();
        let head = head.to_lowercase();
        let range = head.lines().find_map(|line| line.strip_prefix("range: bytes="));
        if let Some((from, to)) = range.and_then(|range| range.split_once('-')) {
            let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
            let part = content(from, to + 1);
            write!(
                stream,
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{to}/{size}\r\nContent-Length: {}\r\n\r\n",
                part.len()
            )?;
            return stream.write_all(&part);
        }
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")?;
        let sent = self.send(size, stream);
        if sent.is_err() {
            self.broken_off.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    fn send(&self, size: u64, stream: &mut TcpStream) -> std::io::Result<()> {
        stream.set_write_timeout(Some(BLOCKED))?;
        let mut part = vec![0; BLOCK as usize];
        for number in 0..size / BLOCK {
            part[..8].copy_from_slice(&block(number));
            let mut rest = &*part;
            while !rest.is_empty() {
                match stream.write(rest) {
                    Ok(length) => {
                        self.sent.fetch_add(length as u64, Ordering::Relaxed);
                        rest = &rest[length..];
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.is_blocked.store(true, Ordering::Relaxed);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

/// Reads a whole film and checks each block.
fn watch(film: &mut BufReader<TcpStream>, size: u64) {
    let mut part = vec![0; BLOCK as usize];
    for number in 0..size / BLOCK {
        film.read_exact(&mut part).unwrap();
        assert_eq!(part[..8], block(number), "block {number}");
    }
}

#[tokio::test]
async fn a_film_of_5_gib_is_whole() {
    let gateway = Gateway::start().await;
    let size = 5 * 1024 * MIB;
    let mut film = gateway.begin(size);
    tokio::task::spawn_blocking(move || watch(&mut film, size)).await.unwrap();
}

#[tokio::test]
async fn a_paused_film_is_not_on_the_disk_and_goes_on_later() {
    let gateway = Gateway::start().await;
    let size = 256 * MIB;
    let mut film = gateway.begin(size);
    let films = &gateway.films;
    let is_blocked = async || films.is_blocked.load(Ordering::Relaxed);
    until("nginx reads no further", LIMIT, is_blocked).await.unwrap();
    // In nginx's buffers and in those of the three programs' sockets.
    let sent = films.sent.load(Ordering::Relaxed);
    assert!(sent < 64 * MIB, "nginx has read {sent} bytes that the viewer has not");
    tokio::task::spawn_blocking(move || watch(&mut film, size)).await.unwrap();
}

#[tokio::test]
async fn a_part_of_a_film_is_that_part() {
    let gateway = Gateway::start().await;
    let size = 5 * 1024 * MIB;
    for from in [0, 2 * 1024 * MIB - 10, 4 * 1024 * MIB - 10, size - 100] {
        let to = from + 99;
        let question = get(&format!("{}/api/v1/films/{size}", gateway.nginx.url())).bearer("x");
        let answer = question.header("Range", &format!("bytes={from}-{to}")).send().await;
        assert_eq!(answer.status, 206);
        assert_eq!(answer.header("content-range"), format!("bytes {from}-{to}/{size}"));
        assert_eq!(answer.text.as_bytes(), content(from, to + 1));
    }
}

#[tokio::test]
async fn a_film_ends_when_its_viewer_leaves() {
    let gateway = Gateway::start().await;
    let films = &gateway.films;
    for (ended, is_reset) in [(1, false), (2, true)] {
        let film = gateway.begin(1024 * MIB);
        if is_reset {
            rustix::net::sockopt::set_socket_linger(film.get_ref(), Some(Duration::ZERO)).unwrap();
        }
        drop(film);
        let is_over = async || films.broken_off.load(Ordering::Relaxed) == ended;
        until("the film ends", LIMIT, is_over).await.unwrap();
    }
}

#[tokio::test]
async fn a_change_reaches_the_origin_however_its_client_leaves() {
    let gateway = Gateway::start().await;
    let mut expected = 0;
    for departure in Departure::ALL {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            for rest in [
                "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                "HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}",
            ] {
                let request = format!("{method} /api/v1/account/ {rest}");
                hang_up(&gateway.nginx.url(), request.as_bytes(), departure).await.unwrap();
                expected += 1;
                let happened = async || gateway.films.changes.load(Ordering::Relaxed) == expected;
                until(&format!("{request}, then {departure:?}"), LIMIT, happened).await.unwrap();
            }
        }
    }
}
