//! The owner of an e-mail address: which account has it, that it is verified, and that the account loses it.
//!
//! A former address is kept for twelve months as an HMAC, so that an operator who knows it finds the account.

pub(crate) mod store;

use aws_lc_rs::hmac;
use uuid::Uuid;

use super::EmailAddress;
use crate::db::{DbError, Transaction};
use crate::keys::DerivedKeys;

/// Takes the address with this `key` from the user, who must be locked exclusively. Everything else stays.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn withdraw(
    tx: &Transaction<'_>,
    keys: &DerivedKeys,
    user: Uuid,
    key: &str,
) -> Result<(), DbError> {
    store::withdraw(tx, user).await?;
    match keys.find(keys.current()) {
        Some(sealing) => store::remember(tx, user, tag(sealing, key).as_ref()).await,
        // There is at least one master key.
        None => Ok(()),
    }
}

/// What accounts that had this address are found by: one tag for each master key.
pub(crate) fn tags(keys: &DerivedKeys, email: &EmailAddress) -> Vec<Vec<u8>> {
    keys.iter().map(|sealing| tag(sealing, email.key()).as_ref().to_vec()).collect()
}

fn tag(sealing: &hmac::Key, key: &str) -> hmac::Tag {
    hmac::sign(sealing, key.as_bytes())
}
