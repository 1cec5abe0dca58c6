//! Key check values: whether the configured master keys are the ones that this deployment has used.
//!
//! With another key nothing that was sealed can be verified, and a new row of the audit log would be sealed so that
//! it cannot be verified later. Both would look like tampering.

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;

use super::derived::{DerivedKeys, KeyPurpose};
use super::seal::{SealPurpose, Sealer};
use super::store;
use crate::config::MasterKeys;
use crate::db::{Connection, DbError};

/// The length of a check value: too short to be of use for anything else, too long to match by chance.
const BYTES: usize = 16;

/// Why the configured master keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// It is not the key that this deployment has used.
    #[error(
        "ADMIN_MASTER_KEYS: master key {0} is not the one that sealed the data of this deployment; configure that key, \
        or use a number that was never used for the new key. This does not indicate tampering"
    )]
    Wrong(u8),
    /// It is the right key, but its check value is not.
    #[error(
        "the check value of master key {0} in auth.master_keys was changed: the key opens the signing keys that it \
        sealed, but does not match the value; find out who changed the database, then restore the row from a backup"
    )]
    ValueChanged(u8),
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Whether a check value is stored for a key that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstUse {
    /// It is stored.
    Store,
    /// Nothing is written.
    Ignore,
}

/// Compares the configured master keys with the ones that were used.
///
/// # Errors
///
/// When one of them is another key than before, or PostgreSQL is unavailable.
pub async fn check_master_keys(
    connection: &Connection,
    masters: &MasterKeys,
    first_use: FirstUse,
) -> Result<(), MasterKeyError> {
    let sealer = Sealer::new(masters, SealPurpose::SigningKeys);
    let keys = DerivedKeys::derive(masters, KeyPurpose::CheckValue);
    for (id, _) in masters.iter() {
        let Some(key) = keys.find(id) else { continue };
        let own = check_value(key);
        let stored = store::check_value(connection, id).await?;
        let is_same = stored.as_ref().map(|stored| bool::from(stored.ct_eq(&own)));
        if is_same == Some(true) {
            continue;
        }
        match (is_same, opens(connection, &sealer, id).await?) {
            (Some(_), Some(true)) => return Err(MasterKeyError::ValueChanged(id)),
            (Some(_), _) | (None, Some(false)) => return Err(MasterKeyError::Wrong(id)),
            (None, Some(true) | None) if first_use == FirstUse::Store => {
                // Of two programs that start at once with different keys, one finds the other's value.
                if !bool::from(store::store_check_value(connection, id, &own).await?.ct_eq(&own)) {
                    return Err(MasterKeyError::Wrong(id));
                }
            }
            (None, _) => {}
        }
    }
    Ok(())
}

/// Whether the key opens a signing key that was sealed under its number; `None` if there is none.
async fn opens(connection: &Connection, sealer: &Sealer, id: u8) -> Result<Option<bool>, DbError> {
    let sealed = store::sealed_under(connection, id).await?;
    let opens = |(kid, sealed): &(String, Vec<u8>)| sealer.open(kid, sealed).is_ok();
    Ok((!sealed.is_empty()).then(|| sealed.iter().any(opens)))
}

fn check_value(key: &hmac::Key) -> Vec<u8> {
    let tag = hmac::sign(key, b"check value");
    tag.as_ref().iter().copied().take(BYTES).collect()
}
