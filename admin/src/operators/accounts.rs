//! `GET /api/v1/admin/users/{id}/accounts`: a user's linked accounts, and the rule that linked each.

use http::StatusCode;

use crate::access::{Right, allowed_upon, of_user};
use crate::api::{Access, Disclosed, Operation, Problem, Request, Response};
use crate::provider_sign_in::accounts::list::{self, Accounts};
use crate::users;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("List a user's accounts at identity providers.")
        .access(Access::Permission(Right::UsersRead.as_str()))
        .answer::<Accounts>(200, "The linked accounts, in the order of linking.", list::example())
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersRead).await?;
    let connection = request.context.db.get().await?;
    users::require(&connection, user).await?;
    let accounts = Accounts::of(&request.context, &connection, user).await?;
    Ok(Response::json(StatusCode::OK, &accounts).disclosing(Disclosed::User(user)))
}
