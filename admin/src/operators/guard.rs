//! What every change of another person's account has in common.

use uuid::Uuid;

use super::store::{self, Person};
use crate::access::{Caller, Right, Rights, lock, lock_upon};
use crate::api::{Code, Problem};
use crate::db::Transaction;

/// The person, held alone together with the caller, who still has `right`, and may use it on them: only superusers
/// act on superusers.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub(super) async fn lock_person(
    tx: &Transaction<'_>,
    caller: Caller,
    right: Right,
    user: Uuid,
) -> Result<Person, Problem> {
    lock_upon(tx, caller, right, user).await?;
    store::find(&**tx, user).await?.ok_or_else(|| Problem::new(Code::NotFound))
}

/// Holds `user`, the caller and every superuser alone, so that nobody else becomes one or ceases to be one; what the
/// caller may do.
///
/// # Errors
///
/// 401; 503.
pub(super) async fn lock_superusers(
    tx: &Transaction<'_>,
    caller: Caller,
    user: Uuid,
) -> Result<Rights, Problem> {
    let all = store::superusers(tx).await?;
    let everybody = [all.as_slice(), &[user]].concat();
    Ok(lock(tx, caller, &everybody).await?.rights)
}

/// Asks that somebody is left who may do everything when `user` no longer may. With every superuser held.
///
/// # Errors
///
/// 409 `last_superuser`; 503.
pub(super) async fn check_not_last(tx: &Transaction<'_>, user: Uuid) -> Result<(), Problem> {
    match store::has_other_superuser(tx, user).await? {
        true => Ok(()),
        false => Err(Problem::new(Code::LastSuperuser)),
    }
}
