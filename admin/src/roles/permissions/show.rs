//! `GET /api/v1/roles/{role}/permissions/{permission}`: whether a role has a permission directly.

use http::StatusCode;

use super::{RolePermission, named, of_path};
use crate::access::{Right, allowed};
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::roles::role::RoleRef;
use crate::roles::show::require;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_path(operation)
        .tag("Roles")
        .summary("Check whether a role has a permission directly.")
        .detail(
            "404 if the role does not have the permission directly. To check what a user may do, use \
            `authz/check`.",
        )
        .access(Access::Permission(Right::RolesRead.as_str()))
        .answer::<RolePermission>(200, "The role has the permission.", RolePermission::example())
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    allowed(&request, Right::RolesRead).await?;
    let permission = named(&request)?;
    let connection = request.context.db.get().await?;
    let role = require(&*connection, &RoleRef::of(&request)?).await?;
    if !role.permissions.contains(&permission) {
        return Err(Problem::new(Code::NotFound));
    }
    Ok(Response::json(StatusCode::OK, &RolePermission { permission }))
}
