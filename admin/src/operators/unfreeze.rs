//! `POST /api/v1/admin/users/{id}/unfreeze`: ends the freeze of an account whose address was changed.

use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::guard::lock_person;
use super::reason::Reasoned;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::notices::{self, NoticeTarget};
use crate::users::email_changes::store;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("End the freeze of a user's account.")
        .detail(
            "The holder of the former address froze it after a change of the address, and cannot do so again. The change can \
            still be undone until its 72 hours are over. Without a freeze nothing changes.",
        )
        .access(Access::Permission(Right::UsersRecover.as_str()))
        .fresh()
        .body::<Reasoned>(json!({ "reason": "The user confirmed the new address by telephone." }))
        .empty(204, "The account is not frozen.")
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 401; 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersRecover).await?;
    let body: Reasoned = request.form()?.finish()?;
    unfreeze(&request.context, &request.actor(), user, &String::from(body.reason)).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// Ends the freeze, and returns whether there was one.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn unfreeze(core: &Core, actor: &Actor, user: Uuid, reason: &str) -> Result<bool, Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, core, actor, Right::UsersRecover, user).await?;
    if !store::lift(&tx, user).await? {
        return Ok(false);
    }
    notices::account_unfrozen(NoticeTarget { core, tx: &tx, user }).await?;
    let entry = AuditEntry::new(AuditAction::UserUnfrozen, user.to_string(), json!({})).reason(Some(reason));
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await?;
    Ok(true)
}
