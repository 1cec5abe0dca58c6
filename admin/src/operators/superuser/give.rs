//! `PUT /api/v1/admin/users/{id}/superuser`: grants superuser status.

use http::StatusCode;

use super::{allowed, set};
use crate::api::{Operation, Problem, Request, Response};

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    super::describe(operation).summary("Grant superuser status.").empty(204, "Granted.")
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed(&request).await?;
    set(&request.context, &request.actor(), user, true).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
