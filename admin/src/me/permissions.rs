//! `GET /api/v1/me/permissions`: the caller's permissions.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use shared::permission::Pattern;
use utoipa::ToSchema;

use crate::access::{End, caller, rights_of};
use crate::api::{Access, Operation, Problem, Request, Response};

/// The caller's permissions.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnPermissions)]
struct OwnPermissions {
    /// Whether the caller is a superuser, who may do everything in this API.
    superuser: bool,
    /// In order of their text; a permission covered by another one that lasts at least as long is left out.
    items: Vec<OwnPermission>,
}

/// A permission of the caller.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnPermission)]
struct OwnPermission {
    /// `area:action`, a whole area `area:*`, or everything `*`.
    #[schema(value_type = String)]
    permission: Pattern,
    /// When it expires; null for never.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation.tag("Me").summary("List your permissions.").access(Access::SignedIn).answer::<OwnPermissions>(
        200,
        "The permissions of all your roles.",
        json!({ "superuser": false, "items": [{ "permission": "films:*", "expires_at": null }] }),
    )
}

/// Handles the request.
///
/// # Errors
///
/// 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let rights = rights_of(&request.context.db.get().await?, caller.user).await?;
    let item = |(permission, end): (Pattern, End)| OwnPermission { permission, expires_at: end.moment() };
    let items = rights.effective().into_iter().map(item).collect();
    Ok(Response::json(StatusCode::OK, &OwnPermissions { superuser: rights.is_superuser, items }))
}
