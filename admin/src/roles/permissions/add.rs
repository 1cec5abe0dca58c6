//! `PUT /api/v1/roles/{role}/permissions/{permission}`: adds a permission to a role.

use http::StatusCode;

use super::{RolePermission, named, of_path};
use crate::access::{Right, allowed};
use crate::api::{Access, Code, Operation, Problem, Request, Response, Shape, if_match, with_etag};
use crate::roles::change::Edit;
use crate::roles::role::{RoleRef, RoleView};
use crate::roles::show;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_path(operation)
        .tag("Roles")
        .summary("Add a permission to a role.")
        .detail("You must hold the permission without expiry. Repeating the request changes nothing.")
        .access(Access::Permission(Right::RolesWrite.as_str()))
        .fresh()
        .header(
            "If-Match",
            "Change the role only if its current version is one of these; `*` matches any version.",
            Shape::text("*"),
        )
        .answer::<RolePermission>(200, "The role already had the permission.", RolePermission::example())
        .answer_header(200, "ETag", show::VERSION)
        .answer::<RolePermission>(201, "The permission has been added.", RolePermission::example())
        .answer_header(201, "ETag", show::VERSION)
        .problems(&[
            Code::PrivilegeEscalation,
            Code::SystemRole,
            Code::LimitReached,
            Code::PreconditionFailed,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`, `privilege_escalation`, `system_role`; 404; 409 `limit_reached`; 412; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    allowed(&request, Right::RolesWrite).await?;
    let permission = named(&request)?;
    let edit = Edit {
        core: &request.context,
        actor: request.actor(),
        versions: if_match(&request.headers),
        asked: RoleRef::of(&request)?,
    };
    let mut status = StatusCode::OK;
    let with = |role: &RoleView| {
        let mut role = role.clone();
        if role.permissions.insert(permission.clone()) {
            status = StatusCode::CREATED;
        }
        role
    };
    let role = edit.carry_out(with).await?;
    Ok(with_etag(Response::json(status, &RolePermission { permission }), role.version))
}
