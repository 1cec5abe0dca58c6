//! `GET /api/v1/me/permissions`: what the caller may do.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use shared::permission::Pattern;
use utoipa::ToSchema;

use crate::access::{End, caller, rights_of};
use crate::api::{Access, Operation, Problem, Request, Response};

/// What the caller may do.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnPermissions)]
struct Permissions {
    /// Whether they may do everything in admin.
    superuser: bool,
    /// By text; what is part of another that lasts as long is left out.
    items: Vec<Item>,
}

/// Something that the caller may do.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnPermission)]
struct Item {
    /// `area:action`, a whole area `area:*`, or everything `*`.
    #[schema(value_type = String)]
    permission: Pattern,
    /// Until when; null for no end.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation.tag("Me").summary("What the caller may do.").access(Access::SignedIn).answer::<Permissions>(
        200,
        "The permissions of all the caller's roles.",
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
    let item = |(permission, end): (Pattern, End)| Item { permission, expires_at: end.moment() };
    let items = rights.effective().into_iter().map(item).collect();
    Ok(Response::json(StatusCode::OK, &Permissions { superuser: rights.is_superuser, items }))
}
