//! An account that will be erased: who proves to be its user is asked whether to keep it.
//!
//! Every way to sign in ends here when the account is erasing: the password, a provider, and whatever comes later. The
//! answer has a flow, by which the user keeps the account or has it erased at once. Nothing revives by itself: a television
//! with a stored password must not cancel an erasure.

mod flow;
mod pending;
mod store;

use jiff::Timestamp;
use uuid::Uuid;

use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::{DbError, SqlClient};
use crate::users;

pub(crate) use flow::{ErasureFlow, FLOW_LENGTH};
pub(crate) use pending::PendingErasure;
pub(crate) use store::find;

/// The names of what a user can do, in the problem.
pub(crate) const KEEP: &str = "keep";
pub(crate) const ERASE_NOW: &str = "erase_now";

/// What a user gets who has just proved to own the account: 403 `erasure_pending` with a flow. `None` if the account will
/// not be erased.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn problem(
    context: &Context,
    client: &impl SqlClient,
    user: Uuid,
) -> Result<Option<Problem>, DbError> {
    let Some(pending) = find(client, user).await? else { return Ok(None) };
    let flow = ErasureFlow::begin(&pending, context.clock.unix_seconds()).sealed(&context.erasure_keys);
    let detail = format!("The account will be erased at {}, unless you keep it.", pending.due_at);
    let mut methods = vec![KEEP.to_owned()];
    if can_be_done_now(client, &pending).await? {
        methods.push(ERASE_NOW.to_owned());
    }
    Ok(Some(Problem::new(Code::ErasurePending).detail(detail).flow(flow, methods)))
}

/// What a page shows of a flow: when the account will be erased, and whether it can be erased now. `None` for a flow that is over.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn of_flow(context: &Context, flow: &str) -> Result<Option<(Timestamp, bool)>, DbError> {
    let flow = ErasureFlow::open(flow, &context.erasure_keys, context.clock.unix_seconds());
    let Some(flow) = flow else { return Ok(None) };
    let connection = context.db.get().await?;
    let pending = find(&*connection, flow.user).await?.filter(|pending| flow.is_of(pending));
    let Some(pending) = pending else { return Ok(None) };
    Ok(Some((pending.due_at, can_be_done_now(&*connection, &pending).await?)))
}

/// Whether the account can be erased before its grace is over: neither while a change of its address can be undone, nor if it is
/// that of the last superuser.
async fn can_be_done_now(client: &impl SqlClient, pending: &PendingErasure) -> Result<bool, DbError> {
    let user = pending.user;
    let is_needed = pending.is_superuser && !users::superusers::store::has_other(client, user).await?;
    Ok(!is_needed && users::email_changes::is_settled(client, user).await?)
}
