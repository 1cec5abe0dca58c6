//! Who calls, and what the caller may do.
//!
//! A protected endpoint checks twice: before it acts ([`caller()`], [`allowed`]), and, when it changes
//! something, once more in its transaction with all locks held ([`lock()`]). A right that the caller lost
//! while the request waited must not be used any more.
//!
//! Everything that an operator changes requires that the caller proved who they are within the last ten minutes
//! ([`fresh`]).

mod caller;
pub mod check;
pub mod explain;
mod facts;
mod lock;
mod question;
mod rank;
mod right;
mod rights;
mod store;

pub(crate) use caller::{caller, fresh, owner_of, session_to_end, still};
pub(crate) use lock::{lock, lock_upon};
pub(crate) use rank::includes_rank;
pub use right::Right;
pub(crate) use rights::{End, Path, Rights};
pub(crate) use store::{hold_definitions, holds_right, superusers};

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::actor::Caller;
use crate::api::{Code, Operation, Problem, Request, Shape};
use crate::db::{Connection, DbError, Transaction};
use crate::users;

/// The path parameter that names a user.
const USER: &str = "id";

/// Documents the path parameter that names a user.
pub(crate) fn of_user(operation: Operation) -> Operation {
    operation.path(USER, "The user.", Shape::uuid("0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b"))
}

/// Checks that another superuser remains without `user`. All superusers must be locked.
///
/// # Errors
///
/// 409 `last_superuser`; 503.
pub(crate) async fn check_not_last(tx: &Transaction<'_>, user: Uuid) -> Result<(), Problem> {
    match users::superusers::store::has_other(&**tx, user).await? {
        true => Ok(()),
        false => Err(Problem::new(Code::LastSuperuser)),
    }
}

/// The permissions of this service that roles grant to a user now.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn own_rights(tx: &Transaction<'_>, user: Uuid) -> Result<BTreeSet<&'static str>, DbError> {
    let rights = store::rights_if_active(&**tx, user).await?.map(|(_, rights)| rights).unwrap_or_default();
    let of_roles = Right::ALL.iter().filter(|right| rights.may(&right.pattern()));
    Ok(of_roles.map(|right| right.as_str()).collect())
}

/// The caller of `request`, who must hold `right`.
///
/// # Errors
///
/// 403 `forbidden` without it; 401; 503.
pub(crate) async fn allowed(request: &Request, right: Right) -> Result<Caller, Problem> {
    let caller = caller(request).await?;
    let rights = rights_of(&request.context.db.get().await?, caller.user).await?;
    rights.require(right)?;
    Ok(caller)
}

/// The caller of `request` and the user named in its path: the caller, or, with `right`, any user.
///
/// # Errors
///
/// 404 `not_found` without the right and for another user, so that the answer does not reveal whether that
/// user exists; 401; 503.
pub(crate) async fn allowed_or_self(request: &Request, right: Right) -> Result<(Caller, Uuid), Problem> {
    let caller = caller(request).await?;
    let user = request.uuid(USER)?;
    if caller.user == user {
        return Ok((caller, user));
    }
    let rights = rights_of(&request.context.db.get().await?, caller.user).await?;
    if rights.has(right) { Ok((caller, user)) } else { Err(Problem::new(Code::NotFound).denied()) }
}

/// The caller of `request`, who must hold `right`, and the user in its path that the request acts on.
///
/// # Errors
///
/// Without the right: 403 `forbidden` for the caller's own account, 404 `not_found` for another user, whether
/// or not that user exists; 401; 503.
pub(crate) async fn allowed_upon(request: &Request, right: Right) -> Result<(Caller, Uuid), Problem> {
    let caller = caller(request).await?;
    let user = request.uuid(USER)?;
    let rights = rights_of(&request.context.db.get().await?, caller.user).await?;
    check_upon(&rights, right, Some(caller.user), user)?;
    Ok((caller, user))
}

/// The checks of [`allowed_upon`], for rights that are already loaded.
fn check_upon(rights: &Rights, right: Right, own: Option<Uuid>, user: Uuid) -> Result<(), Problem> {
    match rights.has(right) {
        true => Ok(()),
        false if own == Some(user) => Err(right.missing()),
        false => Err(Problem::new(Code::NotFound).denied()),
    }
}

/// The rights of `user` now.
///
/// # Errors
///
/// 401 `token_revoked` when the user no longer exists; 503.
pub(crate) async fn rights_of(connection: &Connection, user: Uuid) -> Result<Rights, Problem> {
    let rights = find_rights(connection, user).await?;
    rights.ok_or_else(|| Problem::new(Code::TokenRevoked))
}

/// The same for any user; `None` when the user does not exist.
pub(crate) async fn find_rights(connection: &Connection, user: Uuid) -> Result<Option<Rights>, Problem> {
    Ok(store::rights(&**connection, user).await?)
}
