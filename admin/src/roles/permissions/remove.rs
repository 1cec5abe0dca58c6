//! `DELETE /api/v1/roles/{role}/permissions/{permission}`: removes a permission from a role.

use http::StatusCode;
use shared::permission::Pattern;
use shared::role::RoleName;

use super::{named, of_path};
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
        .takes_away()
        .summary("Remove a permission from a role.")
        .detail(
            "Only a permission of the role itself can be removed; inherited permissions stay. Repeating the request \
            changes nothing.",
        )
        .access(Access::Permission(Right::RolesWrite.as_str()))
        .fresh()
        .header(
            "If-Match",
            "Change the role only if its current version is one of these; `*` matches any version.",
            Shape::text("*"),
        )
        .empty(204, "The role does not have the permission directly.")
        .answer_header(204, "ETag", show::VERSION)
        .problems(&[Code::SystemRole, Code::PreconditionFailed])
}

/// Removes a permission from a role, for a command. Returns whether the role had it.
///
/// # Errors
///
/// 404 `not_found`; 503.
pub(crate) async fn forbid(core: &Core, role: RoleName, permission: &Pattern) -> Result<bool, Problem> {
    let mut had = false;
    let edit = Edit::by_command(core, role);
    edit.carry_out(|role| without(role, permission, &mut had)).await?;
    Ok(had)
}

fn without(role: &RoleView, permission: &Pattern, had: &mut bool) -> RoleView {
    let mut role = role.clone();
    *had = role.permissions.remove(permission);
    role
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`, `system_role`; 404; 412; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    allowed(&request, Right::RolesWrite).await?;
    let permission = named(&request)?;
    let role = Edit::of(&request)?.carry_out(|role| without(role, &permission, &mut false)).await?;
    Ok(with_etag(Response::empty(StatusCode::NO_CONTENT), role.version))
}
