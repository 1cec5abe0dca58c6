//! Free ports.

use std::net::TcpListener;

use crate::error::Doing as _;
use crate::{Error, random};

/// Below the range from which the kernel takes ports for outgoing connections, so that none of them
/// takes the port between the choice and the start of its server.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
const TRIES: usize = 100;

/// A free port of 127.0.0.1.
///
/// # Errors
///
/// When a hundred tries found none.
pub fn free() -> Result<u16, Error> {
    for _ in 0..TRIES {
        let port = FIRST + random::below(COUNT)?;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(Error::Other(format!("no free port between {FIRST} and {}", FIRST + COUNT)))
}

/// A free port of 127.0.0.1 that no other process takes while this value lives: for addresses that must be known
/// before their server starts.
#[derive(Debug)]
pub struct Reserved {
    port: u16,
    // Held for its end.
    _listener: TcpListener,
}

impl Reserved {
    /// Reserves one.
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

/// `wanted` when it is free, else another.
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
