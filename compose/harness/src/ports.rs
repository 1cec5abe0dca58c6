//! Free ports.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::error::Doing as _;
use crate::{Error, random};

/// Below the range from which the kernel takes ports for outgoing connections, so that no connection takes the
/// port between the choice and the start of the server.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
const TRIES: usize = 100;

/// A free port of 127.0.0.1. Until this process ends, no other process gets it from this function, whether or not a
/// server listens on it yet.
///
/// # Errors
///
/// If a hundred attempts found none.
pub fn free() -> Result<u16, Error> {
    for _ in 0..TRIES {
        let port = FIRST + random::below(COUNT)?;
        if is_free(port) && claim(port) {
            return Ok(port);
        }
    }
    Err(Error::Other(format!("no free port between {FIRST} and {}", FIRST + COUNT)))
}

/// Claims a port for the rest of this process. Returns `false` if it is claimed already.
///
/// The claim is a socket with an abstract name: the kernel removes it with the process, and the names belong to the same
/// network namespace as the ports.
fn claim(port: u16) -> bool {
    let name = SocketAddr::from_abstract_name(format!("usher-harness-port-{port}"));
    let claimed = name.and_then(|name| UnixListener::bind_addr(&name));
    // Never dropped, so that it lasts until the end of the process.
    claimed.map(std::mem::forget).is_ok()
}

/// A free port of 127.0.0.1 that no other process takes while this value lives: for addresses that must be
/// known before their server starts.
#[derive(Debug)]
pub struct Reserved {
    port: u16,
    // Held so that the port stays reserved.
    _listener: TcpListener,
}

impl Reserved {
    /// Reserves a port.
    ///
    /// # Errors
    ///
    /// As [`free`].
    pub fn new() -> Result<Self, Error> {
        let port = free()?;
        let listener = TcpListener::bind(("127.0.0.1", port));
        let listener = listener.doing(|| format!("127.0.0.1:{port} was taken in the same moment"))?;
        Ok(Self { port, _listener: listener })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.port
    }
}

/// `wanted` if it is free, else another port.
///
/// # Errors
///
/// As [`free`].
pub fn free_or(wanted: u16) -> Result<u16, Error> {
    if is_free(wanted) { Ok(wanted) } else { free() }
}

/// Whether no program listens on `port` of 127.0.0.1.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once() {
        let port = free().unwrap();
        assert!(is_free(port));
        assert!(!claim(port));
    }
}
