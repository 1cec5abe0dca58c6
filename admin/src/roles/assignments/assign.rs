//! `PUT /api/v1/users/{id}/roles/{role}`: assigns a role, or changes its expiry.

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Assigned, Assignment, NewAssignment, assign, example, of_path};
use crate::access::{Right, allowed_upon};
use crate::api::{Access, Change, Code, Findings, Operation, Problem, Request, Response};
use crate::roles::definition;
use crate::roles::role::RoleRef;

/// The options of an assignment. Without a body it never expires.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAssignment)]
struct Body {
    /// When it expires, such as the last day of a subscription; if omitted, never.
    expires_at: Option<Timestamp>,
    /// The reason.
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_path(operation)
        .tag("Assignments")
        .summary("Assign a role, or change its expiry.")
        .detail(
            "You must have the role, assigned or inherited, for at least as long. The user's tokens must be \
            refreshed; the new ones carry the role and do not outlive it. Repeating the request changes \
            nothing.",
        )
        .access(Access::Permission(Right::RolesAssign.as_str()))
        .optional_body::<Body>(json!({ "expires_at": "2099-12-31T00:00:00Z", "reason": "Paid for a year." }))
        .answer::<Assignment>(
            200,
            "The user already had the role; its expiry was changed, or nothing was.",
            example(),
        )
        .answer::<Assignment>(201, "The role has been assigned.", example())
        .problems(&[Code::PrivilegeEscalation, Code::LimitReached])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `privilege_escalation`; 404; 409 `limit_reached`; 422; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::RolesAssign).await?;
    let role = RoleRef::of(&request)?;
    let new = request.json_if_any::<Body>()?.unwrap_or_default().check()?;
    let (assigned, assignment) = assign(&request.context, &request.actor(), user, &role, new).await?;
    let status = if assigned == Assigned::Now { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Response::json(status, &assignment))
}

impl Body {
    fn check(self) -> Result<NewAssignment, Problem> {
        let mut found = Findings::default();
        let reason = found.check("reason", Change::given(self.reason), definition::reason);
        found.finish(NewAssignment::new(self.expires_at, reason.value()))
    }
}
