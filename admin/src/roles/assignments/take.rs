//! `DELETE /api/v1/users/{id}/roles/{role}`: revokes a role.

use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::{make_tokens_old, of_path, store};
use crate::access::{Right, allowed_upon, lock_upon};
use crate::actor::Actor;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::roles::role::RoleRef;
use crate::roles::show::require;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_path(operation)
        .tag("Assignments")
        .takes_away()
        .summary("Revoke a role.")
        .detail("The user's tokens must be refreshed. Repeating the request changes nothing.")
        .access(Access::Permission(Right::RolesAssign.as_str()))
        .fresh()
        .empty(204, "The role is not assigned.")
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::RolesAssign).await?;
    take(&request.context, &request.actor(), user, &RoleRef::of(&request)?).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// Takes the role from the user.
///
/// # Errors
///
/// 403 `forbidden`; 404; 503.
pub(crate) async fn take(core: &Core, actor: &Actor, user: Uuid, asked: &RoleRef) -> Result<(), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_upon(&tx, core, actor, Right::RolesAssign, user).await?;
    let role = require(&*tx, asked).await?;
    if store::delete(&tx, user, role.role_id).await? {
        make_tokens_old(&tx, &core.issuer, &[user]).await?;
        let detail = json!({ "role_id": role.role_id, "role": role.name });
        let entry = AuditEntry::new(AuditAction::RoleTaken, user.to_string(), detail);
        audit::record(&tx, &core.audit_keys, actor, entry).await?;
        tx.commit().await?;
    }
    Ok(())
}
