//! A signing key: its status, its row, and a new one before it has a row.

use serde_json::Value;

/// The state of a key in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Published, does not sign yet.
    Next,
    /// It signs.
    Active,
    /// It no longer signs; its tokens are valid until they expire.
    Retired,
    /// Its tokens are refused, permanently.
    Killed,
}

/// A signing key as stored.
pub struct KeyRow {
    /// Its name.
    pub kid: String,
    /// Its status.
    pub status: Status,
    pub(super) private_sealed: Vec<u8>,
    pub(super) public_jwk: Value,
}

/// A new key pair: the content of its row.
pub(super) struct NewKey {
    pub(super) kid: String,
    pub(super) public_jwk: Value,
    pub(super) private_sealed: Vec<u8>,
}

impl Status {
    pub(super) fn from_text(text: &str) -> Self {
        match text {
            "next" => Self::Next,
            "active" => Self::Active,
            "retired" => Self::Retired,
            // The table allows no other value; a status added by a newer program is not trusted.
            _ => Self::Killed,
        }
    }
}
