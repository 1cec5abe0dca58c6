//! `PUT /api/v1/users/{id}/roles/{role}`: assigns a role, or changes its expiry.

use deserr::Deserr;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use utoipa::ToSchema;

use super::{Assigned, Assignment, NewAssignment, assign, example, of_path};
use crate::access::{Right, allowed_upon};
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::roles::definition::AssignmentReason;
use crate::roles::role::RoleRef;
use crate::visible_text::VisibleText;

/// The options of an assignment. Without a body it never expires.
#[derive(Deserr, ToSchema)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
#[schema(as = NewAssignment)]
struct Body {
    /// When it expires, such as the last day of a subscription; if omitted, never. In the future, and before
    /// 2200-01-01T00:00:00Z.
    #[deserr(default)]
    expires_at: Option<Timestamp>,
    /// The reason, with at least one visible character and no control characters except line breaks.
    #[deserr(default)]
    #[schema(value_type = Option<VisibleText>)]
    reason: Option<AssignmentReason>,
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
        .fresh()
        .optional_body::<Body>(json!({ "expires_at": "2099-12-31T00:00:00Z", "reason": "Paid for a year." }))
        .answer::<Assignment>(200, "The user already had the role; its expiry was replaced.", example())
        .answer::<Assignment>(201, "The role has been assigned.", example())
        .problems(&[Code::PrivilegeEscalation, Code::LimitReached])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`, `privilege_escalation`; 404; 409 `limit_reached`; 422; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::RolesAssign).await?;
    let role = RoleRef::of(&request)?;
    let body: Body = request.form_if_any()?.finish()?;
    let new = NewAssignment::new(body.expires_at, body.reason.map(String::from));
    let (assigned, assignment) = assign(&request.context, &request.actor(), user, &role, new).await?;
    let status = if assigned == Assigned::Now { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Response::json(status, &assignment))
}
