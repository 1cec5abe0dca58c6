//! `GET /api/v1/admin/users/{id}/sessions`: a user's sessions.

use http::StatusCode;
use serde_json::Value;

use crate::access::{Right, allowed_upon, of_user};
use crate::api::{Access, Disclosed, Operation, Problem, Request, Response};
use crate::sessions::list::{self, Sessions};
use crate::users;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("List a user's sessions.")
        .access(Access::Permission(Right::UsersRead.as_str()))
        .answer::<Sessions>(200, "The sessions, the most recently used first.", example())
}

/// Example sessions.
pub(super) fn example() -> Value {
    list::example()
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (caller, user) = allowed_upon(&request, Right::UsersRead).await?;
    let connection = request.context.db.get().await?;
    users::require(&connection, user).await?;
    let sessions = Sessions::of(&connection, user, caller.session).await?;
    Ok(Response::json(StatusCode::OK, &sessions).disclosing(Disclosed::User(user)))
}
