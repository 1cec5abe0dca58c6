//! The checks that all changes of another user's account share.

use uuid::Uuid;

use super::store::{self, Person};
use crate::access::{Right, Rights, lock, lock_upon, superusers};
use crate::actor::Actor;
use crate::api::{Code, Problem};
use crate::context::Core;
use crate::db::Transaction;

/// The user, locked exclusively together with the caller. The caller still has `right` and may use it on this
/// user, who must be another one: by it, a thief of a session could lift the limits of the owner's account.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub(super) async fn lock_person(
    tx: &Transaction<'_>,
    core: &Core,
    actor: &Actor,
    right: Right,
    user: Uuid,
) -> Result<Person, Problem> {
    if actor.user() == Some(user) {
        let why =
            "You cannot do this to your own account; use the routes below `/me`, or ask another operator.";
        return Err(Problem::new(Code::Forbidden).detail(why).denied());
    }
    lock_upon(tx, core, actor, right, user).await?;
    store::find(&**tx, user).await?.ok_or_else(|| Problem::new(Code::NotFound))
}

/// Locks `user`, the caller and all superusers exclusively, so that superuser status does not change
/// meanwhile. Returns the caller's rights.
///
/// # Errors
///
/// 401; 503.
pub(super) async fn lock_superusers(
    tx: &Transaction<'_>,
    actor: &Actor,
    user: Uuid,
) -> Result<Rights, Problem> {
    let all = superusers(tx).await?;
    let concerned = [all.as_slice(), &[user]].concat();
    Ok(lock(tx, actor, &concerned).await?.rights)
}
