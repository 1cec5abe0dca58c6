//! One hash over all records of a log up to a position.

use std::fmt;

use aws_lc_rs::digest;

use super::hex;
use super::history::HistoryId;

/// Which log: the number of the epoch, and its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogIdentity {
    /// The epoch.
    pub epoch: u64,
    /// The history.
    pub history: HistoryId,
}

/// SHA-256 over the chain up to the record before, and the record. Two logs with the same chain have the same records up to
/// there, in the same order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogChain([u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 64 lower-case hexadecimal digits")]
pub struct NotALogChain;

impl LogIdentity {
    /// The bytes under which something is signed for this log.
    pub(super) fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let parts = self.epoch.to_be_bytes().into_iter().chain(self.history.to_bytes());
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }
}

impl LogChain {
    /// Of a log without records.
    pub fn begin(log: LogIdentity) -> Self {
        Self::hash(&[b"usher revocation log v1\0", &log.to_bytes()])
    }

    /// With one more record.
    #[must_use]
    pub fn after(self, record: &[u8]) -> Self {
        Self::hash(&[&self.0, record])
    }

    /// A chain from its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn hash(parts: &[&[u8]]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }
}

impl fmt::Display for LogChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for LogChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for LogChain {
    type Err = NotALogChain;

    fn from_str(text: &str) -> Result<Self, NotALogChain> {
        let bytes = hex::decode(text).ok_or(NotALogChain)?;
        bytes.try_into().map(Self).map_err(|_| NotALogChain)
    }
}
