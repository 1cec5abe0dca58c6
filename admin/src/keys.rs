//! Signing keys, and the keys that refresh tokens are made with.

mod refresh;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use shared::token::{Claims, KeySet};

pub use refresh::RefreshKeys;

/// The signing keys of this process: a copy of the table that is swapped whole. Cheap to clone.
#[derive(Clone, Default)]
pub struct Keys {
    current: Arc<ArcSwapOption<Ring>>,
}

/// One reading of the table.
struct Ring {
    public: Arc<KeySet>,
    jwks: bytes::Bytes,
}

/// The keys have not been read from PostgreSQL yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signing keys have not been read from PostgreSQL yet")]
pub struct NotLoaded;

impl Keys {
    /// The compact JWS of an access token with these claims, signed with the active key.
    ///
    /// # Errors
    ///
    /// When the keys have not been read yet.
    pub fn sign(&self, _claims: &Claims) -> Result<String, NotLoaded> {
        Err(NotLoaded)
    }

    /// Every key whose tokens may live: next, active, and those retired not too long ago.
    ///
    /// # Errors
    ///
    /// When the keys have not been read yet.
    pub fn public_set(&self) -> Result<Arc<KeySet>, NotLoaded> {
        self.current.load_full().map(|ring| Arc::clone(&ring.public)).ok_or(NotLoaded)
    }

    /// The same as a JWK Set (RFC 7517).
    ///
    /// # Errors
    ///
    /// When the keys have not been read yet.
    pub fn jwks_json(&self) -> Result<bytes::Bytes, NotLoaded> {
        self.current.load_full().map(|ring| ring.jwks.clone()).ok_or(NotLoaded)
    }
}
