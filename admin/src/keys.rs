//! Signing keys, and the keys that refresh tokens are made with.
//!
//! A signing key is *next* (published, does not sign yet), then *active* (signs), then *retired* (published
//! as long as a token of it can live); or *killed* (its tokens are refused for ever). The table is the
//! truth; each process keeps a copy, which [`Keys::keep_fresh`] reads again whenever it changed.
//!
//! Killing a key also records a revocation. That lies above this module, so the command that kills does both.

mod change;
mod refresh;
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

pub use change::{ChangeError, ensure, kill, list, rotate};
pub use refresh::RefreshKeys;
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

/// The keys have not been read from PostgreSQL yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signing keys have not been read from PostgreSQL yet")]
pub struct NotLoaded;

/// The keys could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// PostgreSQL.
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
    /// When PostgreSQL is away, or what stands there cannot be used; the copy stays as it was.
    pub async fn load(&self, db: &Db) -> Result<(), LoadError> {
        let rows = store::published(&*db.get().await?).await?;
        let ring = Ring::new(&rows, &self.sealer)?;
        self.current.store(Some(Arc::new(ring)));
        Ok(())
    }

    /// The compact JWS of an access token with these claims, signed with the active key.
    ///
    /// # Errors
    ///
    /// When the keys have not been read yet.
    pub fn sign(&self, claims: &Claims) -> Result<String, NotLoaded> {
        self.current.load().as_ref().map(|ring| ring.sign(claims)).ok_or(NotLoaded)
    }

    /// Every key whose tokens may live: next, active, and those retired not too long ago.
    ///
    /// # Errors
    ///
    /// When the keys have not been read yet.
    pub fn public_set(&self) -> Result<Arc<KeySet>, NotLoaded> {
        self.current.load().as_ref().map(|ring| Arc::clone(&ring.public)).ok_or(NotLoaded)
    }

    /// The same as a JWK Set (RFC 7517).
    ///
    /// # Errors
    ///
    /// When the keys have not been read yet.
    pub fn jwks_json(&self) -> Result<Bytes, NotLoaded> {
        self.current.load().as_ref().map(|ring| ring.jwks.clone()).ok_or(NotLoaded)
    }
}
