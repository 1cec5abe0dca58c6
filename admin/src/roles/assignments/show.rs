//! `GET /api/v1/users/{id}/roles/{role}`: whether a user has a role.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{of_path, of_user};
use crate::access::{Right, allowed_or_self};
use crate::api::{Access, Code, Disclosed, Operation, Problem, Request, Response};
use crate::roles::role::RoleRef;
use crate::roles::store;
use crate::users;

/// Whether a role is assigned to a user.
#[derive(Serialize, ToSchema)]
struct IsAssigned {
    /// Whether the role itself is assigned; an inherited role does not count.
    assigned: bool,
    /// When the assignment expires; null for never, and when it is not assigned.
    #[schema(required)]
    expires_at: Option<Timestamp>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_path(operation)
        .tag("Assignments")
        .summary("Check whether a user has a role, and until when.")
        .detail(
            "Users can read their own roles. Reading another user's roles requires `roles:read`; without it the \
            response is 404.",
        )
        .access(Access::SignedIn)
        .answer::<IsAssigned>(
            200,
            "Whether the role is assigned.",
            json!({ "assigned": true, "expires_at": "2099-12-31T00:00:00Z" }),
        )
}

/// Handles the request.
///
/// # Errors
///
/// 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (caller, user) = allowed_or_self(&request, Right::RolesRead).await?;
    let connection = request.context.db.get().await?;
    users::require(&connection, user).await?;
    // A caller without the right must not learn which roles exist.
    let role = match store::find(&*connection, &RoleRef::of(&request)?).await? {
        Some(role) => role,
        None if user == caller.user => return Ok(Response::json(StatusCode::OK, &IsAssigned::NOT)),
        None => return Err(Problem::new(Code::NotFound)),
    };
    let found = of_user(&connection, user).await?.into_iter().find(|assignment| assignment.role == role.name);
    let answer = IsAssigned {
        assigned: found.is_some(),
        expires_at: found.and_then(|assignment| assignment.expires_at),
    };
    Ok(Response::json(StatusCode::OK, &answer).disclosing(Disclosed::User(user)))
}

impl IsAssigned {
    const NOT: Self = Self { assigned: false, expires_at: None };
}
