//! The steps in a signing key's life.

use std::time::Duration;

use crate::db::{Connection, DbError, Transaction};

use super::ring::{NewKey, RingError};
use super::seal::Sealer;
use super::store::{self, Listed, Status};

/// Why the keys were not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
    /// No new key could be made.
    #[error(transparent)]
    Key(#[from] RingError),
    /// Sidecars may not have heard of `next` yet.
    #[error(
        "the next key has not been published long enough for every sidecar to know it; try again in \
         {seconds} seconds, or add --force, which makes new tokens fail until the sidecars fetch the keys"
    )]
    TooEarly {
        /// How long to wait.
        seconds: u64,
    },
    /// No such key.
    #[error("there is no key {0}; `admin keys list` shows them")]
    Unknown(String),
    /// Dead already.
    #[error("the key {0} was killed before")]
    AlreadyKilled(String),
}

/// Makes sure that a key is active and another one next.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn ensure(transaction: &Transaction<'_>, sealer: &Sealer) -> Result<(), ChangeError> {
    store::lock(transaction).await?;
    fill(transaction, sealer).await
}

/// `next` signs from now on, the active key retires, and a new `next` is published.
///
/// # Errors
///
/// When `next` has been published for less than `publication`, unless `force` is set.
pub async fn rotate(
    transaction: &Transaction<'_>,
    sealer: &Sealer,
    publication: Duration,
    force: bool,
) -> Result<(), ChangeError> {
    store::lock(transaction).await?;
    if let Some((_, published)) = store::holder(transaction, "next").await? {
        let missing = publication.as_secs_f64() - published;
        if missing > 0.0 && !force {
            return Err(ChangeError::TooEarly { seconds: Duration::from_secs_f64(missing).as_secs() + 1 });
        }
        store::retire_active(transaction).await?;
    }
    fill(transaction, sealer).await
}

/// Takes a key out of use and out of the JWKS, for ever. An active one is followed by `next` at once.
///
/// The caller records the key's revocation in the same transaction.
///
/// # Errors
///
/// When there is no such key, or it was killed before.
pub async fn kill(transaction: &Transaction<'_>, sealer: &Sealer, kid: &str) -> Result<(), ChangeError> {
    store::lock(transaction).await?;
    match store::status(transaction, kid).await? {
        None => Err(ChangeError::Unknown(kid.to_owned())),
        Some(Status::Killed) => Err(ChangeError::AlreadyKilled(kid.to_owned())),
        Some(Status::Next | Status::Active | Status::Retired) => {
            store::mark_killed(transaction, kid).await?;
            fill(transaction, sealer).await
        }
    }
}

/// The name of the key that signs.
///
/// # Errors
///
/// When there is none, or PostgreSQL is away.
pub async fn active(transaction: &Transaction<'_>) -> Result<String, ChangeError> {
    let holder = store::holder(transaction, "active").await?;
    holder.map(|(kid, _)| kid).ok_or_else(|| ChangeError::Unknown("that is active".to_owned()))
}

/// Every key there ever was, newest first.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn list(connection: &Connection) -> Result<Vec<Listed>, DbError> {
    store::all(connection).await
}

/// Fills what is empty: `next` becomes active, a new key becomes `next`. Tells every replica.
async fn fill(transaction: &Transaction<'_>, sealer: &Sealer) -> Result<(), ChangeError> {
    if store::holder(transaction, "active").await?.is_none() {
        if store::holder(transaction, "next").await?.is_none() {
            store::insert_next(transaction, &NewKey::generate(sealer)?).await?;
        }
        store::activate_next(transaction).await?;
    }
    if store::holder(transaction, "next").await?.is_none() {
        store::insert_next(transaction, &NewKey::generate(sealer)?).await?;
    }
    store::notify(transaction).await?;
    Ok(())
}
