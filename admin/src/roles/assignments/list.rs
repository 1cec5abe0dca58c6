//! `GET /api/v1/users/{id}/roles`: a user's roles.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Assignment, example, of_user};
use crate::access::{self, Right, allowed_or_self};
use crate::api::{Access, Disclosed, Operation, Problem, Request, Response};
use crate::users;

/// A user's roles, by name.
#[derive(Serialize, ToSchema)]
struct Assignments {
    items: Vec<Assignment>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    access::of_user(operation)
        .tag("Assignments")
        .summary("List a user's roles.")
        .detail(
            "Users can read their own roles. Reading another user's roles requires `roles:read`; without it the \
            response is 404.",
        )
        .access(Access::SignedIn)
        .answer::<Assignments>(200, "The roles.", json!({ "items": [example()] }))
}

/// Handles the request.
///
/// # Errors
///
/// 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_or_self(&request, Right::RolesRead).await?;
    let connection = request.context.db.get().await?;
    users::require(&connection, user).await?;
    let items = of_user(&connection, user).await?;
    Ok(Response::json(StatusCode::OK, &Assignments { items }).disclosing(Disclosed::User(user)))
}
