//! Evicts intruders from an account.
//!
//! All sessions end, and so does everything that could open another one: the one-time codes and the links that wait for
//! a password belong to a generation of the user's tokens, and a new one begins. Links to set a password no longer work. No
//! device and no network is known any more, and what was linked recently is unlinked.

mod store;

use uuid::Uuid;

use crate::context::Core;
use crate::db::{DbError, Transaction};
use crate::notices::{self, NoticeClient, NoticeTarget};
use crate::sessions::history::{Event, HistoryEntry};
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
    /// Whether the account had a password, which does not count any more.
    pub(crate) is_password_removed: bool,
}

impl Evicted {
    /// What the login history of `user` must contain once the transaction has been committed: `event`, and what was
    /// unlinked.
    pub(crate) fn history(&self, user: Uuid, event: Event) -> Vec<HistoryEntry> {
        let entry = |event| HistoryEntry { event, user: Some(user), session: None };
        let unlinked = self.unlinked.iter().map(|name| entry(Event::unlinked_by_eviction(name)));
        [entry(event)].into_iter().chain(unlinked).collect()
    }

    /// Notifies the user of what was unlinked.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unavailable.
    pub(crate) async fn notify(
        &self,
        core: &Core,
        target: NoticeTarget<'_>,
        client: NoticeClient<'_>,
    ) -> Result<(), DbError> {
        for provider in &self.unlinked {
            notices::provider_unlinked(target, client, core.provider_names.name_of(provider)).await?;
        }
        if self.is_password_removed {
            notices::password_removed(target, client).await?;
        }
        Ok(())
    }
}

/// Evicts from the account of `user`, who must be locked exclusively. The password stays.
///
/// The revocation is recorded last: the locks of users and sessions must be held by then. Notices, which lock their own rows,
/// may follow.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn evict(
    tx: &Transaction<'_>,
    core: &Core,
    user: Uuid,
    reason: EndReason,
) -> Result<Evicted, DbError> {
    let generation = forget_all(tx, user).await?;
    let unlinked = store::unlink_recent(tx, user, &core.provider_names.ids()).await?;
    let linked = store::linked(tx, user).await?;
    let sessions = end_older(tx, &core.issuer, user, None, generation, reason).await?;
    Ok(Evicted { sessions, unlinked, linked, is_password_removed: false })
}

/// Evicts everyone who came before the owner of the address of `user`, who must be locked exclusively: the address has
/// just been verified for the first time. All linked accounts are unlinked, except those at the providers `kept`, with
/// which the owner came. The password stays.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn evict_before_owner(
    tx: &Transaction<'_>,
    issuer: &str,
    user: Uuid,
    kept: &[&str],
    reason: EndReason,
) -> Result<Evicted, DbError> {
    let generation = forget_all(tx, user).await?;
    let unlinked = store::unlink_all_but(tx, user, kept).await?;
    let linked = store::linked(tx, user).await?;
    let sessions = end_older(tx, issuer, user, None, generation, reason).await?;
    Ok(Evicted { sessions, unlinked, linked, is_password_removed: false })
}

/// The same for an owner who proved the address by a mail alone, and comes with the accounts at the providers `kept`: the
/// password is that of a person before, and is removed.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn evict_with_password(
    tx: &Transaction<'_>,
    issuer: &str,
    user: Uuid,
    kept: &[&str],
    reason: EndReason,
) -> Result<Evicted, DbError> {
    let is_password_removed = store::remove_password(tx, user).await?;
    let evicted = evict_before_owner(tx, issuer, user, kept, reason).await?;
    Ok(Evicted { is_password_removed, ..evicted })
}

/// Begins a new generation of tokens, makes all devices and networks unknown, and makes links to set a password and a
/// recovery that waits void. Returns the generation.
async fn forget_all(tx: &Transaction<'_>, user: Uuid) -> Result<u64, DbError> {
    let generation = users::store::advance_generation(tx, user).await?;
    users::store::forget_devices_and_networks(tx, user).await?;
    users::store::void_links(tx, user).await?;
    users::recoveries::store::make_void(tx, user).await?;
    users::former_passwords::store::forget(tx, user).await?;
    Ok(generation)
}
