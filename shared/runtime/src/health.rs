//! The client behind the command `health`, by which a container without a shell checks its program.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::env::{Reader, Vars};
use crate::listen::{self, Address};

/// The longest time for connecting, and for each read and write.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The longest response that is read.
const MAX_BYTES: u64 = 16 * 1024;

/// Requests `/health/ready` from the first address in the variable `name`, or from `default`.
///
/// # Errors
///
/// [`Mistakes`](crate::env::Mistakes) in the variable; or why the program is not ready, as its response says.
pub fn check(
    vars: &dyn Vars,
    name: &str,
    default: Address,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut reader = Reader::new(vars);
    let addresses = reader.or(name, vec![default], listen::list);
    let address = reader.finish(addresses.into_iter().next())?;
    Ok(ask(&address).map_err(|why| format!("not ready at {address}: {why}"))?)
}

/// Whether the program at `address` reports that it is ready.
///
/// # Errors
///
/// If it does not, or not in time; with the body of the response if there is one.
pub fn ask(address: &Address) -> io::Result<()> {
    let answer = match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect_timeout(&reachable(*address), TIMEOUT)?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            stream.set_write_timeout(Some(TIMEOUT))?;
            exchange(stream)?
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            stream.set_write_timeout(Some(TIMEOUT))?;
            exchange(stream)?
        }
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(io::Error::other(reasons(body).unwrap_or_else(|| body.trim().to_owned()))),
    }
}

/// The reasons of a program that is not ready, as one line.
fn reasons(body: &str) -> Option<String> {
    let body: serde_json::Value = shared::json::value(body.as_bytes()).ok()?;
    let reason = |reason: &serde_json::Value| {
        Some(format!("{}: {}", reason.get("code")?.as_str()?, reason.get("detail")?.as_str()?))
    };
    let reasons: Vec<_> = body.get("reasons")?.as_array()?.iter().map(reason).collect::<Option<_>>()?;
    Some(reasons.join(" "))
}

fn exchange(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A program that listens on all interfaces is reached on the loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_invalid_address_is_a_configuration_mistake() {
        let vars = std::collections::HashMap::from([("ADMIN_OPS_LISTEN", "9001".to_owned())]);
        let usual = Address::Tcp(([127, 0, 0, 1], 9001).into());
        let error = check(&vars, "ADMIN_OPS_LISTEN", usual).unwrap_err();
        assert!(error.is::<crate::env::Mistakes>());
    }

    fn asked(answer: &'static [u8]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = [0; 1024];
            let _length = stream.read(&mut question).unwrap();
            stream.write_all(answer).unwrap();
        });
        let verdict = ask(&address).map_err(|why| why.to_string());
        server.join().unwrap();
        verdict
    }

    #[test]
    fn only_200_is_ready() {
        assert_eq!(asked(b"HTTP/1.1 200 OK\r\n\r\nready\n"), Ok(()));
        assert_eq!(asked(b"HTTP/1.1 503 No\r\n\r\nbusy\n"), Err("busy".to_owned()));
        let body = b"HTTP/1.1 503 No\r\n\r\n{\"reasons\":[{\"code\":\"keys\",\"detail\":\"No keys.\"}]}\n";
        assert_eq!(asked(body), Err("keys: No keys.".to_owned()));
        assert!(asked(b"").is_err() && asked(b"200 200 200").is_ok() && asked(b"\xff\xff").is_err());
    }

    #[test]
    fn a_closed_port_is_not_ready() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(ask(&Address::Tcp(gone)).is_err());
    }

    #[test]
    fn an_unspecified_address_is_reached_on_the_loopback() {
        let at = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:9001"), "127.0.0.1:9001");
        assert_eq!(at("[::]:9001"), "[::1]:9001");
        assert_eq!(at("192.0.2.1:9001"), "192.0.2.1:9001");
    }
}
