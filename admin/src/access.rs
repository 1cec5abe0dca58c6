//! Who calls, and what they may do.
//!
//! A protected endpoint asks twice: before it reads the body ([`caller()`], [`allowed`]), and, when it changes
//! something, once more in its transaction with every lock held ([`lock()`]). Whoever lost a right while the request
//! waited must not use it any more.

mod caller;
pub mod check;
pub mod explain;
mod lock;
mod question;
mod right;
mod rights;
mod store;

pub(crate) use caller::{Caller, caller, session_to_end, still};
pub(crate) use lock::{lock, lock_upon};
pub use right::Right;
pub(crate) use rights::{End, Path, Rights};
pub(crate) use store::hold_definitions;

use uuid::Uuid;

use crate::api::{Code, Operation, Problem, Request, Shape};
use crate::db::Connection;

/// The open part of a path that names a user.
const USER: &str = "id";

/// Adds what the document says of the open part of a path that names a user.
pub(crate) fn of_user(operation: Operation) -> Operation {
    operation.path(USER, "The user.", Shape::uuid("0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b"))
}

/// The caller of `request`, who has `right`.
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

/// The caller of `request`, and the user that its path names: the caller themselves, or, with `right`, anybody.
///
/// # Errors
///
/// 404 `not_found` without the right and for another person: that there is such a person is not told; 401; 503.
pub(crate) async fn allowed_or_self(request: &Request, right: Right) -> Result<(Caller, Uuid), Problem> {
    let caller = caller(request).await?;
    let user = request.uuid(USER)?;
    if caller.user == user {
        return Ok((caller, user));
    }
    let rights = rights_of(&request.context.db.get().await?, caller.user).await?;
    if rights.has(right) { Ok((caller, user)) } else { Err(Problem::new(Code::NotFound)) }
}

/// The caller of `request`, who has `right`, and the user that its path names, to do something to them.
///
/// # Errors
///
/// Without the right 403 `forbidden` for oneself, and 404 `not_found` for another person, whether or not there
/// is one; 401; 503.
pub(crate) async fn allowed_upon(request: &Request, right: Right) -> Result<(Caller, Uuid), Problem> {
    let caller = caller(request).await?;
    let user = request.uuid(USER)?;
    let rights = rights_of(&request.context.db.get().await?, caller.user).await?;
    check_upon(&rights, right, &caller, user)?;
    Ok((caller, user))
}

/// What [`allowed_upon`] asks, for rights that are known.
fn check_upon(rights: &Rights, right: Right, caller: &Caller, user: Uuid) -> Result<(), Problem> {
    match rights.has(right) {
        true => Ok(()),
        false if caller.user == user => Err(right.missing()),
        false => Err(Problem::new(Code::NotFound)),
    }
}

/// What `user` may do at this moment.
///
/// # Errors
///
/// 401 `token_revoked` when there is no such user any more; 503.
pub(crate) async fn rights_of(connection: &Connection, user: Uuid) -> Result<Rights, Problem> {
    let rights = find_rights(connection, user).await?;
    rights.ok_or_else(|| Problem::new(Code::TokenRevoked))
}

/// The same for anybody; `None` when there is no such user.
pub(crate) async fn find_rights(connection: &Connection, user: Uuid) -> Result<Option<Rights>, Problem> {
    Ok(store::rights(&**connection, user).await?)
}

/// Whether the caller proved who they are within the last ten minutes.
///
/// # Errors
///
/// When PostgreSQL is away.
pub(crate) async fn is_fresh(request: &Request, caller: Caller) -> Result<bool, Problem> {
    Ok(store::is_fresh(&request.context.db.get().await?, caller.session).await?)
}
