//! The programs behind the gateway: an origin that notes who reaches it, and a sidecar that allows nothing.
//!
//! The origin listens on all addresses of this machine. Each `proxy_pass` of a generated configuration leads to another one of
//! 127.0.0.0/8, so that the origin knows by which line a request came.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long a program waits for a request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What the origin has seen: the numbers of the lines that led there.
pub(crate) type Seen = Arc<Mutex<BTreeSet<usize>>>;

/// The address of a line's own.
pub(crate) fn address(way: usize) -> String {
    format!("127.1.{}.{}", way / 250, way % 250 + 1)
}

fn way(address: IpAddr) -> Option<usize> {
    match address {
        IpAddr::V4(ip) => match ip.octets() {
            [127, 1, high, low] if low > 0 => Some(usize::from(high) * 250 + usize::from(low) - 1),
            _ => None,
        },
        IpAddr::V6(_) => None,
    }
}

/// Starts the origin; returns its port.
pub(crate) fn origin(seen: &Seen) -> u16 {
    let seen = Arc::clone(seen);
    serve("0.0.0.0:0", move |stream, request| {
        let mut seen = seen.lock().unwrap();
        seen.extend(stream.local_addr().ok().and_then(|address| way(address.ip())));
        seen.extend(request.header("x-via").and_then(|via| via.parse::<usize>().ok()));
        drop(seen);
        obey(request)
    })
}

/// Waits until the origin at a socket has read all requests before this one, because nginx may end a request without its response.
pub(crate) fn settle(path: &Path) {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
}

/// Starts the origin at a socket too. It reads one request after the other.
pub(crate) fn origin_at_socket(seen: &Seen, path: &Path) {
    let (seen, listener) = (Arc::clone(seen), UnixListener::bind(path).unwrap());
    // nginx runs as another user.
    std::fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _set = stream.set_read_timeout(Some(TIMEOUT));
            if let Some(request) = Request::read(&stream) {
                seen.lock()
                    .unwrap()
                    .extend(request.header("x-via").and_then(|via| via.parse::<usize>().ok()));
                let _written = stream.write_all(obey(&request).as_bytes());
            }
        }
    });
}

/// Starts a program that no location protects, and that obeys clients; returns its port.
pub(crate) fn other() -> u16 {
    serve("127.0.0.1:0", |_, request| obey(request))
}

/// Starts the sidecar; returns its port. It allows nothing, whatever it is asked.
pub(crate) fn sidecar() -> u16 {
    serve("127.0.0.1:0", |_, _| {
        "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned()
    })
}

/// A response that leads nginx wherever the client says.
fn obey(request: &Request) -> String {
    let accel =
        request.header("x-accel-to").map(|to| format!("X-Accel-Redirect: {to}\r\n")).unwrap_or_default();
    let body = match request.header("x-ssi-to") {
        Some(to) if !request.target.starts_with(to) => format!("<!--# include virtual=\"{to}\" -->"),
        _ => "seen".to_owned(),
    };
    format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\n{accel}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

struct Request {
    target: String,
    headers: Vec<(String, String)>,
}

impl Request {
    fn read(stream: impl Read) -> Option<Self> {
        let mut lines = BufReader::new(stream).lines();
        let target = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
        let headers = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
        let pair = |line: String| {
            Some((line.split_once(':')?.0.to_ascii_lowercase(), line.split_once(':')?.1.trim().to_owned()))
        };
        Some(Self { target, headers: headers.filter_map(pair).collect() })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn serve(address: &str, answer: impl Fn(&TcpStream, &Request) -> String + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(address).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let _set = stream.set_read_timeout(Some(TIMEOUT));
                if let Some(request) = Request::read(&stream) {
                    let _written = stream.write_all(answer(&stream, &request).as_bytes());
                }
            });
        }
    });
    port
}
