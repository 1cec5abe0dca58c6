//! `health`: a program asks its own running self whether it is ready, for containers that have no shell.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::env::{Reader, Vars};
use crate::listen::{self, Address};

/// How long connecting, and each part of the answer, may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// No answer is longer.
const MAX_BYTES: u64 = 16 * 1024;

/// Asks `/health/ready` at the first address that the variable `name` holds, or at `usual`.
///
/// # Errors
///
/// [`Mistakes`](crate::env::Mistakes) in the variable; or what is wrong, in the program's own words where it has any.
pub fn check(
    vars: &dyn Vars,
    name: &str,
    usual: Address,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut reader = Reader::new(vars);
    let addresses = reader.or(name, vec![usual], listen::list);
    let address = reader.finish(addresses.into_iter().next())?;
    Ok(ask(&address).map_err(|why| format!("not ready at {address}: {why}"))?)
}

/// Whether the program at `address` says that it is ready.
///
/// # Errors
///
/// When it does not, or not in time; with its own words, where it has any.
pub fn ask(address: &Address) -> io::Result<()> {
    let answer = match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect_timeout(&reachable(*address), PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream)?
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream)?
        }
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(io::Error::other(body.trim().to_owned())),
    }
}

fn exchange(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whoever listens everywhere is reached here.
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
    fn a_wrong_address_is_a_mistake_of_the_configuration() {
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
        assert_eq!(asked(b"HTTP/1.1 503 No\r\n\r\nnot ready: keys\n"), Err("not ready: keys".to_owned()));
        assert!(asked(b"").is_err() && asked(b"200 200 200").is_ok() && asked(b"\xff\xff").is_err());
    }

    #[test]
    fn nobody_there_is_not_ready() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(ask(&Address::Tcp(gone)).is_err());
    }

    #[test]
    fn whoever_listens_everywhere_is_asked_here() {
        let at = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:9001"), "127.0.0.1:9001");
        assert_eq!(at("[::]:9001"), "[::1]:9001");
        assert_eq!(at("192.0.2.1:9001"), "192.0.2.1:9001");
    }
}
