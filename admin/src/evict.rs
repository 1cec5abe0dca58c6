//! Evicts intruders from an account.
//!
//! All sessions end, and so does everything that could open another one: the one-time codes and the links that wait for
//! a password belong to a generation of the user's tokens, and a new one begins. No device is known any more, and what was
//! linked recently is unlinked.

mod store;

use uuid::Uuid;

use crate::db::{DbError, Transaction};
use crate::sessions::renew::end_older;
use crate::sessions::session::EndReason;
use crate::users;

/// What an eviction ended, and what stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evicted {
    /// The number of sessions that ended.
    pub(crate) sessions: u64,
    /// The providers whose accounts were unlinked.
    pub(crate) unlinked: Vec<String>,
    /// The providers whose accounts stay linked: they were linked more than 30 days ago, the user was created with them,
    /// or no other sign-in method would be left.
    pub(crate) linked: Vec<String>,
}

/// Evicts from the account of `user`, who must be locked exclusively. The password stays.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn evict(
    tx: &Transaction<'_>,
    issuer: &str,
    user: Uuid,
    reason: EndReason,
) -> Result<Evicted, DbError> {
    let generation = users::store::advance_generation(tx, user).await?;
    users::store::forget_devices(tx, user).await?;
    let sessions = end_older(tx, issuer, user, None, generation, reason).await?;
    let unlinked = store::unlink_recent(tx, user).await?;
    Ok(Evicted { sessions, unlinked, linked: store::linked(tx, user).await? })
}
