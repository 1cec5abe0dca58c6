//! `GET /api/v1/roles`: lists the roles.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::role::{self, RoleView};
use super::store;
use crate::access::{Right, allowed};
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::context::Core;
use crate::db::DbError;

/// All roles, by name.
#[derive(Serialize, ToSchema)]
struct Roles {
    items: Vec<RoleView>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Roles")
        .batch()
        .summary("List the roles by name.")
        .access(Access::Permission(Right::RolesRead.as_str()))
        .answer::<Roles>(200, "The roles.", json!({ "items": [role::example()] }))
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let items = perform(&request).await?;
    Ok(Response::json(StatusCode::OK, &Roles { items }))
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: &Request) -> Result<Vec<RoleView>, Problem> {
    allowed(request, Right::RolesRead).await?;
    Ok(all(&request.context).await?)
}

/// All roles, by name.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn all(core: &Core) -> Result<Vec<RoleView>, DbError> {
    store::list(&core.db.get().await?).await
}
