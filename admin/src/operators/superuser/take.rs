//! `DELETE /api/v1/admin/users/{id}/superuser`: revokes superuser status.

use http::StatusCode;

use super::{allowed, set};
use crate::api::{Code, Operation, Problem, Request, Response};

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    super::describe(operation)
        .takes_away()
        .summary("Revoke superuser status.")
        .empty(204, "No longer a superuser.")
        .problems(&[Code::LastSuperuser])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 409 `last_superuser`; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed(&request).await?;
    set(&request.context, &request.actor(), user, false).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
