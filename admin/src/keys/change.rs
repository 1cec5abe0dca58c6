//! The transitions in a signing key's life.

use std::time::Duration;

use crate::db::{Connection, DbError, Transaction};

use super::key::{NewKey, Status};
use super::ring::RingError;
use super::seal::Sealer;
use super::store::{self, ListedKey};

/// Why the keys were not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A new key could not be generated.
    #[error(transparent)]
    Key(#[from] RingError),
    /// Sidecars may not have loaded the next key yet.
    #[error(
        "the next key has not been published long enough for every sidecar to load it; try again in \
        {seconds} seconds; with --force, sidecars refuse new tokens until they have loaded the key"
    )]
    TooEarly {
        /// How long to wait.
        seconds: u64,
    },
    /// The key does not exist.
    #[error("there is no key {0}; `admin keys list` shows all keys")]
    Unknown(String),
    /// The key was killed before.
    #[error("the key {0} has already been killed")]
    AlreadyKilled(String),
}

/// Makes sure that one key is active and another one next.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn ensure(transaction: &Transaction<'_>, sealer: &Sealer) -> Result<(), ChangeError> {
    store::lock(transaction).await?;
    fill(transaction, sealer).await
}

/// Makes the next key active, retires the active one, and publishes a new next key.
///
/// # Errors
///
/// When the next key has been published for less than `publication`, unless `force` is set.
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

/// Removes a key from use and from the JWKS, permanently. If it was active, the next key takes its place at
/// once.
///
/// The caller must record the key's revocation in the same transaction.
///
/// # Errors
///
/// When the key does not exist, or was killed before.
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

/// The name of the active key.
///
/// # Errors
///
/// When no key is active, or PostgreSQL is unavailable.
pub async fn active(transaction: &Transaction<'_>) -> Result<String, ChangeError> {
    let holder = store::holder(transaction, "active").await?;
    holder.map(|(kid, _)| kid).ok_or_else(|| ChangeError::Unknown("that is active".to_owned()))
}

/// All keys ever created, newest first.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn list(connection: &Connection) -> Result<Vec<ListedKey>, DbError> {
    store::all(connection).await
}

/// Fills vacant roles: the next key becomes active, a new key becomes next. Notifies all replicas.
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
