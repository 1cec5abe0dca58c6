//! `GET /api/v1/roles/{role}`: shows a role.

use http::StatusCode;
use shared::role::RoleName;

use super::role::{self, RoleRef, RoleView};
use super::store;
use crate::access::{Right, allowed};
use crate::api::{Access, Code, Operation, Problem, Request, Response, with_etag};
use crate::context::Core;
use crate::db::SqlClient;

/// The value of `ETag`.
pub(super) const VERSION: &str = "The version of the role, for `If-Match`.";

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Roles")
        .summary("Show a role.")
        .access(Access::Permission(Right::RolesRead.as_str()))
        .path("role", role::NAMED, role::shape())
        .answer::<RoleView>(200, "The role.", role::example())
        .answer_header(200, "ETag", VERSION)
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    Ok(respond(StatusCode::OK, &perform(&request).await?))
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: &Request) -> Result<RoleView, Problem> {
    allowed(request, Right::RolesRead).await?;
    let connection = request.context.db.get().await?;
    require(&*connection, &RoleRef::of(request)?).await
}

/// The role, which must exist.
///
/// # Errors
///
/// 404 `not_found`; 503.
pub(super) async fn require(client: &impl SqlClient, role: &RoleRef) -> Result<RoleView, Problem> {
    store::find(client, role).await?.ok_or_else(|| Problem::new(Code::NotFound))
}

/// The role with this name.
///
/// # Errors
///
/// 404 `not_found`; 503.
pub(crate) async fn named(core: &Core, name: RoleName) -> Result<RoleView, Problem> {
    require(&*core.db.get().await?, &RoleRef::Name(name)).await
}

/// The role with its version.
pub(super) fn respond(status: StatusCode, role: &RoleView) -> Response {
    with_etag(Response::json(status, role), role.version)
}
