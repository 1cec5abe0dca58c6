//! The locks of a change that one person makes upon others, and what is asked again under them.

use uuid::Uuid;

use super::caller::{Caller, still};
use super::rights::Rights;
use super::{Right, check_upon, store};
use crate::api::{Code, Problem};
use crate::db::Transaction;
use crate::users;

/// What was found under the locks.
pub(crate) struct Locked {
    /// What the caller may do, now that nobody can take it away until the transaction ends.
    pub(crate) rights: Rights,
    /// Those of the asked for who are there, in order.
    pub(crate) users: Vec<Uuid>,
    /// Whether one of these may do everything.
    has_superuser: bool,
}

/// Holds the definitions of all roles as they are, then `users` and the caller with them alone, until the
/// transaction ends; then asks again whether the caller's token is good, and what the caller may do.
///
/// All people in one statement and in the order of their identifiers, so that two who act upon each other do not
/// wait for each other for ever.
///
/// # Errors
///
/// 401 when the caller's token was revoked or has expired meanwhile; 503.
pub(crate) async fn lock(tx: &Transaction<'_>, caller: Caller, users: &[Uuid]) -> Result<Locked, Problem> {
    store::hold_definitions(tx).await?;
    let all = [users, &[caller.user]].concat();
    let mut there = users::store::lock_all(tx, &all).await?;
    if !users.contains(&caller.user) {
        there.retain(|(user, _)| *user != caller.user);
    }
    still(tx, caller).await?;
    let rights = store::rights(&**tx, caller.user).await?;
    let rights = rights.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    let has_superuser = there.iter().any(|(_, is_superuser)| *is_superuser);
    Ok(Locked { rights, users: there.into_iter().map(|(user, _)| user).collect(), has_superuser })
}

/// The same for one person, whom the caller, who still has `right`, may act upon.
///
/// # Errors
///
/// 403 `forbidden` upon oneself without the right, and for whoever is no superuser upon one who is; 404 without
/// the right, and when there is no such person; 401; 503.
pub(crate) async fn lock_upon(
    tx: &Transaction<'_>,
    caller: Caller,
    right: Right,
    user: Uuid,
) -> Result<Rights, Problem> {
    let locked = lock(tx, caller, &[user]).await?;
    check_upon(&locked.rights, right, &caller, user)?;
    if locked.users.is_empty() {
        return Err(Problem::new(Code::NotFound));
    }
    locked.check_rank()?;
    Ok(locked.rights)
}

impl Locked {
    /// Asks that the caller may act on these people: only a superuser acts on a superuser.
    ///
    /// # Errors
    ///
    /// 403 `forbidden`.
    fn check_rank(&self) -> Result<(), Problem> {
        if self.has_superuser && !self.rights.is_superuser {
            return Err(Problem::new(Code::Forbidden).detail("Only a superuser acts on a superuser."));
        }
        Ok(())
    }
}
