//! Signing keys of access tokens, and the keys derived for refresh tokens and the audit log.
//!
//! A signing key is first *next* (published, does not sign yet), then *active* (signs), then *retired*
//! (published while a token that it signed can be valid); or *killed* (its tokens are refused permanently). The
//! table is authoritative; each process keeps a copy, which [`Keys::keep_fresh`] reloads after every change.
//!
//! Killing a key also requires a revocation. Revocations are a later module, so the command that kills a key
//! does both.

mod change;
mod check_value;
mod derived;
mod key;
mod link_token;
mod log_keys;
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
pub use check_value::{FirstUse, MasterKeyError, check_master_keys};
pub use derived::{DerivedKeys, KeyPurpose};
pub use key::{KeyRow, Status};
pub(crate) use link_token::{HASH_BYTES, LinkToken};
pub use log_keys::{log_keys, log_keys_text};
pub use ring::RingError;
pub use seal::{SealError, SealPurpose, Sealer};
pub(crate) use store::ListedKey;

use ring::Ring;

/// The signing keys of this process: a copy of the table that is replaced as a whole. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    sealer: Arc<Sealer>,
    current: Arc<ArcSwapOption<Ring>>,
}

/// Why the keys cannot be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    /// [`Keys::load`] has not succeeded, or found nothing to publish.
    #[error("the signing keys have not been loaded from PostgreSQL yet")]
    NotLoaded,
    /// The public keys are loaded, but the active private key cannot be decrypted.
    #[error("the active signing key cannot be used; an earlier line of this log has the reason")]
    CannotSign,
}

/// Loading failed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The rows of the table are invalid.
    #[error(transparent)]
    Ring(#[from] RingError),
}

impl Keys {
    /// No keys yet; [`Self::load`] reads them.
    pub fn new(masters: &MasterKeys) -> Self {
        Self {
            sealer: Arc::new(Sealer::new(masters, SealPurpose::SigningKeys)),
            current: Arc::new(ArcSwapOption::empty()),
        }
    }

    /// The keys that seal private keys.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Reloads the table.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unavailable: the copy stays as it was. When the active key cannot be used: the
    /// public keys are updated all the same, so that a killed key is no longer published, but nothing is
    /// signed.
    pub async fn load(&self, db: &Db) -> Result<(), LoadError> {
        let rows = store::published(&*db.get().await?).await?;
        let (ring, unusable) = match Ring::new(&rows, &self.sealer) {
            Ok((ring, unusable)) => (Some(Arc::new(ring)), unusable),
            Err(error) => (None, Some(error)),
        };
        self.current.store(ring);
        unusable.map_or(Ok(()), |error| Err(error.into()))
    }

    /// The compact JWS of an access token with these claims, signed by the active key.
    ///
    /// # Errors
    ///
    /// When the keys are not loaded yet, or the active one cannot be used.
    pub fn sign(&self, claims: &Claims) -> Result<String, Unready> {
        self.current.load().as_ref().ok_or(Unready::NotLoaded)?.sign(claims).ok_or(Unready::CannotSign)
    }

    /// Whether [`Self::sign`] would succeed.
    pub fn can_sign(&self) -> bool {
        self.current.load().as_ref().is_some_and(|ring| ring.can_sign())
    }

    /// All keys whose tokens can be valid: next, active, and recently retired ones.
    ///
    /// # Errors
    ///
    /// When the keys are not loaded yet.
    pub fn public_set(&self) -> Result<Arc<KeySet>, Unready> {
        self.current.load().as_ref().map(|ring| Arc::clone(&ring.public)).ok_or(Unready::NotLoaded)
    }

    /// The same as a JWK Set (RFC 7517).
    ///
    /// # Errors
    ///
    /// When the keys are not loaded yet.
    pub fn jwks_json(&self) -> Result<Bytes, Unready> {
        self.current.load().as_ref().map(|ring| ring.jwks.clone()).ok_or(Unready::NotLoaded)
    }
}
