//! An account that will be erased: who proves to be its user is asked whether to keep it.
//!
//! Every way to sign in ends here when the account is erasing: the password, a provider, and whatever comes later. The
//! answer has a flow, by which the user keeps the account or has it erased at once. Nothing revives by itself: a television
//! with a stored password must not cancel an erasure.

mod flow;
mod pending;
mod store;

use uuid::Uuid;

use crate::api::{Code, Problem};
use crate::context::Context;
use crate::db::{DbError, SqlClient};

pub(crate) use flow::{ErasureFlow, FLOW_LENGTH};
pub(crate) use store::find;

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
    let methods = vec!["keep".to_owned(), "erase_now".to_owned()];
    Ok(Some(Problem::new(Code::ErasurePending).detail(detail).flow(flow, methods)))
}
