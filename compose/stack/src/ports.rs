//! Ports that nobody listens on.

use std::net::TcpListener;

use crate::{Error, random};

/// Below the range from which the kernel takes ports for outgoing connections, so that none of those
/// stands in the way between the choice and the listening.
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

/// `wanted` when it is free, else another.
///
/// # Errors
///
/// As [`free`].
pub fn free_or(wanted: u16) -> Result<u16, Error> {
    if is_free(wanted) { Ok(wanted) } else { free() }
}

/// Whether nobody listens on `port` of this machine.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
