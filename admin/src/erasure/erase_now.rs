//! `POST /api/v1/auth/erasure/erase-now`: erases an account before the grace period is over.

use http::StatusCode;

use super::complete::erase_at_once;
use super::keep::{ErasureFlowBody, example, expired, lock, open};
use super::store;
use crate::access;
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::users::email_changes::check_settled;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Erase an account at once.")
        .detail(
            "The `flow` is that of the problem `erasure_pending`, which a sign-in returns. Nothing of the account can be \
            restored. While a change of its address can be undone, it is erased at the end of the grace only, and the \
            problem does not offer `erase_now`. The same request, repeated within a minute, has the same result.",
        )
        .access(Access::Public)
        .body::<ErasureFlowBody>(example())
        .empty(204, "The account is erased.")
        .problems(&[Code::CodeExpired, Code::AccountFrozen, Code::LastSuperuser])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired`; 403 `account_frozen`; 409 `last_superuser`; 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: ErasureFlowBody = request.form()?.finish()?;
    let (context, actor) = (&request.context, request.actor());
    let flow = open(context, &body)?;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    if lock(&tx, &flow, &access::superusers(&tx).await?).await?.is_none() {
        // A repeated request has the same result.
        let is_done = store::is_just_done(&tx, &flow).await?;
        return if is_done { Ok(Response::empty(StatusCode::NO_CONTENT)) } else { Err(expired()) };
    }
    check_settled(&*tx, flow.user).await?;
    let keeps_history = context.config.retention.history_hold.is_some();
    erase_at_once(&tx, context, &actor, flow.user, keeps_history).await?;
    tx.commit().await?;
    tracing::info!(user = %flow.user, "A user was erased.");
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
