//! `GET /api/v1/permissions`: lists the permissions that this service checks or that some role has.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use shared::permission::Pattern;
use shared::role::RoleName;
use utoipa::ToSchema;

use crate::access::{Right, allowed};
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::roles::store;

/// All permissions, by text.
#[derive(Serialize, ToSchema)]
struct Permissions {
    items: Vec<PermissionItem>,
}

/// A permission.
#[derive(Serialize, ToSchema)]
#[schema(as = Permission)]
pub(crate) struct PermissionItem {
    #[schema(value_type = String)]
    pub(crate) permission: Pattern,
    /// The actions that it allows, for permissions that this service checks; null for others, whose meaning is defined by
    /// locations and services.
    #[schema(required)]
    pub(crate) description: Option<&'static str>,
    /// The roles that have it directly, by name.
    #[schema(value_type = Vec<String>)]
    pub(crate) roles: Vec<RoleName>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Roles")
        .batch()
        .summary("List the permissions that this service checks or that some role has.")
        .access(Access::Permission(Right::RolesRead.as_str()))
        .answer::<Permissions>(
            200,
            "The permissions.",
            json!({ "items": [{ "permission": "films:watch", "description": null, "roles": ["subscriber"] }] }),
        )
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    Ok(Response::json(StatusCode::OK, &Permissions { items: perform(&request).await? }))
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: &Request) -> Result<Vec<PermissionItem>, Problem> {
    allowed(request, Right::RolesRead).await?;
    Ok(items(store::permissions_in_use(&request.context.db.get().await?).await?))
}

fn items(in_use: BTreeMap<Pattern, Vec<RoleName>>) -> Vec<PermissionItem> {
    let own = Right::ALL.iter().map(|right| (right.pattern(), Some(right.description()), Vec::new()));
    let used = in_use.into_iter().map(|(permission, roles)| (permission, None, roles));
    let mut all: BTreeMap<Pattern, PermissionItem> = BTreeMap::new();
    for (permission, description, roles) in own.chain(used) {
        let item = PermissionItem { permission: permission.clone(), description: None, roles: Vec::new() };
        let item = all.entry(permission).or_insert(item);
        item.description = item.description.or(description);
        item.roles.extend(roles);
    }
    all.into_values().collect()
}
