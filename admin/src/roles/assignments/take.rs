//! `DELETE /api/v1/users/{id}/roles/{role}`: revokes a role.

use http::StatusCode;
use serde_json::json;

use super::{make_tokens_old, of_path, store};
use crate::access::{Right, allowed_upon, lock_upon};
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::audit::{self, Action, Entry};
use crate::roles::role::RoleRef;
use crate::roles::show::require;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_path(operation)
        .tag("Assignments")
        .summary("Revoke a role.")
        .detail("The user's tokens must be refreshed. Repeating the request changes nothing.")
        .access(Access::Permission(Right::RolesAssign.as_str()))
        .empty(204, "The role is not assigned.")
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (caller, user) = allowed_upon(&request, Right::RolesAssign).await?;
    let asked = RoleRef::of(&request)?;
    let mut connection = request.context.db.get().await?;
    let tx = connection.begin().await?;
    lock_upon(&tx, caller, Right::RolesAssign, user).await?;
    let role = require(&*tx, &asked).await?;
    if store::delete(&tx, user, role.role_id).await? {
        make_tokens_old(&tx, &request.context.config.tokens.issuer, &[user]).await?;
        let detail = json!({ "role_id": role.role_id, "role": role.name });
        audit::record(
            &tx,
            &request.context.audit_keys,
            &request.actor(),
            Entry::new(Action::RoleTaken, user.to_string(), detail),
        )
        .await?;
        tx.commit().await?;
    }
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
