//! `PUT /api/v1/roles/{role}/permissions/{permission}`: adds a permission to a role.

use http::StatusCode;
use shared::permission::Pattern;
use shared::role::RoleName;

use super::{RolePermission, named, of_path};
use crate::access::{Right, allowed};
use crate::api::{Access, Code, Operation, Problem, Request, Response, Shape, with_etag};
use crate::context::Core;
use crate::roles::change::Edit;
use crate::roles::role::RoleView;
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

/// Adds a permission to a role, for a command. Returns whether the role did not have it.
///
/// # Errors
///
/// 404 `not_found`; 409 `limit_reached`; 503.
pub(crate) async fn permit(core: &Core, role: RoleName, permission: &Pattern) -> Result<bool, Problem> {
    let mut is_new = false;
    let edit = Edit::by_command(core, role);
    edit.carry_out(|role| with(role, permission, &mut is_new)).await?;
    Ok(is_new)
}

fn with(role: &RoleView, permission: &Pattern, is_new: &mut bool) -> RoleView {
    let mut role = role.clone();
    *is_new = role.permissions.insert(permission.clone());
    role
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`, `privilege_escalation`, `system_role`; 404; 409 `limit_reached`; 412; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    allowed(&request, Right::RolesWrite).await?;
    let permission = named(&request)?;
    let edit = Edit::of(&request)?;
    let mut is_new = false;
    let role = edit.carry_out(|role| with(role, &permission, &mut is_new)).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(with_etag(Response::json(status, &RolePermission { permission }), role.version))
}
