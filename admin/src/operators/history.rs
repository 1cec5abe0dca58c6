//! `GET /api/v1/admin/users/{id}/login-history`: a user's login history, page by page.

use http::StatusCode;
use serde_json::Value;

use crate::access::{Right, allowed_upon, of_user};
use crate::api::{Access, Disclosed, Operation, Problem, Request, Response};
use crate::sessions::history::list::{self, History};
use crate::users;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    list::describe_pages(of_user(operation))
        .tag("Operators")
        .summary("List a user's login history, newest first.")
        .access(Access::Permission(Right::UsersRead.as_str()))
}

/// An example page.
pub(super) fn example() -> Value {
    list::example()
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 404; 422; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersRead).await?;
    let connection = request.context.db.get().await?;
    users::require(&connection, user).await?;
    let page = History::asked_for(&request, &connection, user).await?;
    Ok(Response::json(StatusCode::OK, &page).disclosing(Disclosed::User(user)))
}
