//! Changes of an address that can be undone, and accounts that are frozen meanwhile.
//!
//! The first address that an account changed away from is kept for 72 hours. The holder of that mailbox gets a link, by which
//! the change is undone, or the sign-in methods of the account are frozen. No other account gets the address meanwhile: a
//! trigger of the table of users sees to that.

pub(crate) mod store;

use uuid::Uuid;

use super::FormerAddress;
use crate::api::{Code, Problem};
use crate::context::Core;
use crate::db::{DbError, SqlClient, Transaction};
use crate::keys::LinkToken;

/// Keeps the `former` address of the user, who must be locked and changes it now, and returns the token of the link for its
/// holder. `None` if no such mail is sent, the address was never proven, or an earlier change can still be undone: of several
/// changes the first one counts, so that a thief who made it cannot undo what the owner did afterwards.
///
/// # Errors
///
/// 500 when the operating system provides no randomness; 503.
pub(crate) async fn begin_undo(
    core: &Core,
    tx: &Transaction<'_>,
    user: Uuid,
    former: &FormerAddress,
) -> Result<Option<LinkToken>, Problem> {
    if !core.outbox.is_on() || !former.is_verified {
        return Ok(None);
    }
    let token = LinkToken::random(&*core.random).map_err(|error| {
        tracing::error!(%error, "Request failed: no link could be created.");
        Problem::new(Code::Internal)
    })?;
    Ok(store::note(tx, user, former, &token).await?.then_some(token))
}

/// Checks that the sign-in methods of the user may be changed.
///
/// # Errors
///
/// 403 `account_frozen`; 503.
pub(crate) async fn check_not_frozen(client: &impl SqlClient, user: Uuid) -> Result<(), Problem> {
    match store::frozen_until(client, user).await? {
        Some(until) => Err(Problem::new(Code::AccountFrozen)
            .detail(format!("It is frozen until {until}, unless an operator ends that earlier."))),
        None => Ok(()),
    }
}

/// Whether the account may be erased at once, or merged, as [`check_settled`] checks.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn is_settled(client: &impl SqlClient, user: Uuid) -> Result<bool, DbError> {
    Ok(store::frozen_until(client, user).await?.is_none() && store::undo_until(client, user).await?.is_none())
}

/// Checks that the account may be erased at once, or merged: not while a change of its address can be undone, which a thief may
/// have made.
///
/// # Errors
///
/// 403 `account_frozen`; 503.
pub(crate) async fn check_settled(client: &impl SqlClient, user: Uuid) -> Result<(), Problem> {
    check_not_frozen(client, user).await?;
    match store::undo_until(client, user).await? {
        Some(until) => Err(Problem::new(Code::AccountFrozen)
            .detail(format!("Its address was changed, which can be undone until {until}."))),
        None => Ok(()),
    }
}
