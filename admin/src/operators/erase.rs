//! `POST /api/v1/admin/users/{id}/erase`: orders the erasure of a user.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::guard::{lock_person, lock_superusers};
use super::reason::Reasoned;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::context::Core;
use crate::erasure::{Origin, begin};
use crate::me::erase::{ErasureOrder, example};

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("Order the erasure of a user.")
        .detail(
            "All sessions are revoked. The account is erased at `erase_at`; until then the user can keep it, by signing \
            in. Repeating the request changes nothing.",
        )
        .access(Access::Permission(Right::UsersErase.as_str()))
        .fresh()
        .body::<Reasoned>(json!({ "reason": "Asked by letter; identity checked." }))
        .answer::<ErasureOrder>(202, "The account will be erased.", example())
        .problems(&[Code::LastSuperuser])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 409 `last_superuser`; 401; 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersErase).await?;
    let body: Reasoned = request.form()?.finish()?;
    let grace = request.context.config.retention.erasure_grace;
    let reason = String::from(body.reason);
    let erase_at = order(&request.context, &request.actor(), user, grace, &reason).await?;
    Ok(Response::json(StatusCode::ACCEPTED, &ErasureOrder { erase_at }))
}

/// Orders the erasure, and returns when it will be done.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn order(
    core: &Core,
    actor: &Actor,
    user: Uuid,
    grace: Duration,
    reason: &str,
) -> Result<Timestamp, Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_superusers(&tx, actor, user).await?;
    lock_person(&tx, core, actor, Right::UsersErase, user).await?;
    if actor.user() == Some(user) {
        let detail = "Request the erasure of your own account as its user.";
        return Err(Problem::new(Code::Forbidden).detail(detail).denied());
    }
    let erase_at = begin(&tx, core, actor, user, grace, (Origin::Operator, Some(reason))).await?;
    tx.commit().await?;
    Ok(erase_at)
}
