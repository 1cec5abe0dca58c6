//! A random number by which a sidecar recognises that a heartbeat was opened after it asked.

use std::fmt;
use std::str::FromStr;

use super::hex;

/// A random number of a sidecar. It writes one to a slot in Redis with each question; the relay reads the slots in the script
/// that opens a heartbeat, and signs what it found. So a signed certificate that has the number was made after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Challenge(u64);

/// The text is not 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 16 lower-case hexadecimal digits")]
pub struct NotAChallenge;

impl Challenge {
    /// How many slots there are. Sidecars that share one take turns, until one of them moves.
    pub const SLOTS: u8 = 128;

    /// From random bytes.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Challenge {
    type Err = NotAChallenge;

    fn from_str(text: &str) -> Result<Self, NotAChallenge> {
        let bytes = hex::decode(text).and_then(|bytes| bytes.try_into().ok()).ok_or(NotAChallenge)?;
        Ok(Self::from_bytes(bytes))
    }
}
