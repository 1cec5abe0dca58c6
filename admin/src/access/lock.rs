//! The locks of a change that one user makes to other users, and the checks repeated under them.

use uuid::Uuid;

use super::caller::fresh_by_password;
use super::rank::check_rank;
use super::rights::Rights;
use super::{Right, check_upon, store};
use crate::actor::{Actor, ActorKind, NotSignedIn};
use crate::api::{Code, Problem};
use crate::context::Core;
use crate::db::Transaction;
use crate::users;

/// The data that was read under the locks.
pub(crate) struct Locked {
    /// The rights of the caller; the locks keep them unchanged until the transaction ends.
    pub(crate) rights: Rights,
    /// The requested users that exist, in order.
    pub(crate) users: Vec<Uuid>,
}

/// Locks the definitions of all roles in shared mode, then the `users` and the caller exclusively, until the
/// transaction ends. Then checks the caller's token and rights again, and that the caller proved who they are within
/// the last ten minutes: what operators change asks for that. A command and the service itself have no token and may
/// do everything.
///
/// One statement locks all users in the order of their identifiers, so that two callers who act on each other
/// cannot deadlock.
///
/// # Errors
///
/// 403 `fresh_auth_required`; 401 when the caller's token was revoked or expired meanwhile; 503.
pub(crate) async fn lock(tx: &Transaction<'_>, actor: &Actor, users: &[Uuid]) -> Result<Locked, Problem> {
    let caller = match actor.kind() {
        ActorKind::Caller(caller) => Some(caller),
        ActorKind::Command | ActorKind::Service => None,
        ActorKind::Visitor => return Err(NotSignedIn.into()),
    };
    store::hold_definitions(tx).await?;
    let all: Vec<Uuid> = users.iter().copied().chain(caller.map(|caller| caller.user)).collect();
    let mut there = users::store::lock_all(tx, &all).await?;
    let rights = match caller {
        Some(caller) => {
            if !users.contains(&caller.user) {
                there.retain(|user| *user != caller.user);
            }
            fresh_by_password(&**tx, caller).await?;
            let rights = store::rights(&**tx, caller.user).await?;
            rights.ok_or_else(|| Problem::new(Code::TokenRevoked))?
        }
        None => Rights::of_an_operator(),
    };
    Ok(Locked { rights, users: there })
}

/// The same for one user. The caller still holds `right`, and may act on this user: the one place where rank is
/// checked, with both of them locked.
///
/// # Errors
///
/// 403 `forbidden` without the right on the caller's own account, and when the user holds what the caller does not
/// (`rank`); 403 `fresh_auth_required`; 404 without the right, and when the user does not exist; 401; 503.
pub(crate) async fn lock_upon(
    tx: &Transaction<'_>,
    core: &Core,
    actor: &Actor,
    right: Right,
    user: Uuid,
) -> Result<Rights, Problem> {
    let Locked { rights, users } = lock(tx, actor, &[user]).await?;
    check_upon(&rights, right, actor.user(), user)?;
    if users.is_empty() {
        return Err(Problem::new(Code::NotFound));
    }
    let target = store::rights_if_active(&**tx, user).await?;
    let (_, target) = target.ok_or_else(|| Problem::new(Code::NotFound))?;
    check_rank(&rights, &target, &core.ranked_areas)?;
    Ok(rights)
}
