//! The locks of a change that one person makes upon others, and what is asked again under them.

use uuid::Uuid;

use super::caller::{Caller, still};
use super::rights::Rights;
use super::store;
use crate::api::{Code, Problem};
use crate::db::Transaction;
use crate::users;

/// What was found under the locks.
pub(crate) struct Locked {
    /// What the caller may do, now that nobody can take it away until the transaction ends.
    pub(crate) rights: Rights,
    /// Those of the asked for who are there, in order.
    pub(crate) users: Vec<Uuid>,
}

/// Holds `users`, and the caller with them, alone until the transaction ends; then asks again whether the
/// caller's token is good, and what the caller may do.
///
/// All in one statement and in the order of their identifiers, so that two people who act upon each other do not
/// wait for each other for ever.
///
/// # Errors
///
/// 401 when the caller's token was revoked or has expired meanwhile; 503.
pub(crate) async fn lock(tx: &Transaction<'_>, caller: Caller, users: &[Uuid]) -> Result<Locked, Problem> {
    let all = [users, &[caller.user]].concat();
    let mut there = users::store::lock_all(tx, &all).await?;
    there.retain(|user| users.contains(user));
    still(tx, caller).await?;
    let rights = store::rights(&**tx, caller.user).await?;
    let rights = rights.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    Ok(Locked { rights, users: there })
}
