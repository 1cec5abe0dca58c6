//! `POST /api/v1/me/erase`: requests the erasure of the caller's account.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::access::{self, caller, fresh};
use crate::api::{Access, Code, Operation, Problem, Request, Response, SessionCookies};
use crate::erasure::{Origin, begin};
use crate::sessions::renew::lock_account;
use crate::users;
use crate::users::email_changes::check_not_frozen;

/// When the account will be erased.
#[derive(Serialize, ToSchema)]
#[schema(as = ErasureOrder)]
pub(crate) struct ErasureOrder {
    /// Until then the user can keep the account, by signing in.
    pub(crate) erase_at: Timestamp,
}

/// An example of the answer.
pub(crate) fn example() -> serde_json::Value {
    json!({ "erase_at": "2026-12-09T20:15:30.123456Z" })
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Request the erasure of your account.")
        .detail(
            "All sessions are revoked, the current one, too. The account is erased at `erase_at`. Until then a sign-in \
            returns the problem `erasure_pending`, whose `flow` keeps the account or has it erased at once.",
        )
        .access(Access::SignedIn)
        .fresh()
        .answer::<ErasureOrder>(202, "The account will be erased.", example())
        .problems(&[Code::AccountFrozen, Code::LastSuperuser])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `fresh_auth_required`; 409 `last_superuser`; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let erase_at = perform(request).await?;
    let response = Response::json(StatusCode::ACCEPTED, &ErasureOrder { erase_at });
    Ok(response.with_session(SessionCookies::Clear))
}

/// What the endpoint does, for a page too: returns when the account will be erased.
pub(crate) async fn perform(request: Request) -> Result<Timestamp, Problem> {
    let caller = caller(&request).await?;
    let (context, actor) = (&request.context, request.actor());
    fresh(&*context.db.get().await?, caller).await?;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let concerned = [access::superusers(&tx).await?.as_slice(), &[caller.user]].concat();
    users::store::lock_all(&tx, &concerned).await?;
    lock_account(&tx, caller).await?;
    check_not_frozen(&*tx, caller.user).await?;
    let grace = context.config.retention.erasure_grace;
    let erase_at = begin(&tx, context, &actor, caller.user, grace, (Origin::User, None)).await?;
    tx.commit().await?;
    Ok(erase_at)
}
