//! `POST /api/v1/erasures/{id}/acknowledge`: notes that another service has erased a user, too.

use http::StatusCode;

use super::store;
use crate::access::{Right, allowed_upon, of_user};
use crate::api::{Access, Code, Operation, Problem, Request, Response};

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("Acknowledge an erasure.")
        .detail("Repeating the request changes nothing.")
        .access(Access::Permission(Right::ErasuresProcess.as_str()))
        .empty(204, "The erasure is no longer listed.")
        .problems(&[Code::NotFound])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::ErasuresProcess).await?;
    if !store::acknowledge(&request.context.db.get().await?, user).await? {
        return Err(Problem::new(Code::NotFound));
    }
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
