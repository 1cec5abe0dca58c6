//! Signing keys, and the keys that refresh tokens are made with.
//!
//! A signing key is *next* (published, does not sign yet), then *active* (signs), then *retired* (published
//! as long as a token of it can live); or *killed* (its tokens are refused for ever). The table is the
//! truth; each process keeps a copy, which [`Keys::keep_fresh`] reads again whenever it changed.
//!
//! Killing a key also records a revocation. That lies above this module, so the command that kills does both.

mod change;
mod derived;
mod ring;
mod seal;
mod store;
mod watch;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use shared::token::{Claims, KeySet};

use crate::config::MasterKeys;
use crate::db::{Db, DbError};

pub use change::{ChangeError, active, ensure, kill, list, rotate};
pub use derived::{DerivedKeys, Purpose};
pub use ring::RingError;
pub use seal::{SealError, Sealer};
pub use store::{KeyRow, Status};

use ring::Ring;

/// The signing keys of this process: a copy of the table that is swapped whole. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    sealer: Arc<Sealer>,
    current: Arc<ArcSwapOption<Ring>>,
}

/// Why the keys are of no use at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    /// [`Keys::load`] has not succeeded, or found nothing that can be published.
    #[error("the signing keys have not been read from PostgreSQL yet")]
    NotLoaded,
    /// The public keys are known, but the private one that should sign does not open.
    #[error("the active signing key cannot be used; look for its reason in an earlier line of this log")]
    CannotSign,
}

/// The keys could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
    /// What stands there cannot be used.
    #[error(transparent)]
    Ring(#[from] RingError),
}

impl Keys {
    /// No keys yet; [`Self::load`] reads them.
    pub fn new(masters: &MasterKeys) -> Self {
        Self { sealer: Arc::new(Sealer::new(masters)), current: Arc::new(ArcSwapOption::empty()) }
    }

    /// What private keys are sealed with.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Reads the table anew.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is away: the copy stays as it was. When the active key cannot be used: the public keys
    /// are those of the table all the same, so that a killed one is good no longer, and nothing is signed.
    pub async fn load(&self, db: &Db) -> Result<(), LoadError> {
        let rows = store::published(&*db.get().await?).await?;
        let (ring, unusable) = match Ring::new(&rows, &self.sealer) {
            Ok((ring, unusable)) => (Some(Arc::new(ring)), unusable),
            Err(error) => (None, Some(error)),
        };
        self.current.store(ring);
        unusable.map_or(Ok(()), |error| Err(error.into()))
    }

    /// The compact JWS of an access token with these claims, signed with the active key.
    ///
    /// # Errors
    ///
    /// When the keys have not been read yet, or the active one cannot be used.
    pub fn sign(&self, claims: &Claims) -> Result<String, Unready> {
        self.current.load().as_ref().ok_or(Unready::NotLoaded)?.sign(claims).ok_or(Unready::CannotSign)
    }

    /// Whether [`Self::sign`] would.
    pub fn can_sign(&self) -> bool {
        self.current.load().as_ref().is_some_and(|ring| ring.can_sign())
    }

    /// Every key whose tokens may live: next, active, and those retired not too long ago.
    ///
    /// # Errors
    ///
    /// When the keys have not been read yet.
    pub fn public_set(&self) -> Result<Arc<KeySet>, Unready> {
        self.current.load().as_ref().map(|ring| Arc::clone(&ring.public)).ok_or(Unready::NotLoaded)
    }

    /// The same as a JWK Set (RFC 7517).
    ///
    /// # Errors
    ///
    /// When the keys have not been read yet.
    pub fn jwks_json(&self) -> Result<Bytes, Unready> {
        self.current.load().as_ref().map(|ring| ring.jwks.clone()).ok_or(Unready::NotLoaded)
    }
}
