//! `PUT /api/v1/users/{id}/roles/{role}`: assigns a role, or changes its expiry.

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Assigned, Assignment, NewAssignment, assign_within, entry, example, of_path, store};
use crate::access::{End, Right, allowed_upon, lock_upon};
use crate::actor::Actor;
use crate::api::{Access, Change, Code, Findings, Operation, Problem, Request, Response};
use crate::audit;
use crate::context::Context;
use crate::roles::definition;
use crate::roles::role::RoleRef;
use crate::roles::show::require;

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
    let (caller, user) = allowed_upon(&request, Right::RolesAssign).await?;
    let role = RoleRef::of(&request)?;
    let new = request.json_if_any::<Body>()?.unwrap_or_default().check(caller.user)?;
    let (assigned, assignment) = assign(&request.context, &request.actor(), user, &role, new).await?;
    let status = if assigned == Assigned::Now { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Response::json(status, &assignment))
}

/// Checks again, with both users locked.
async fn assign(
    context: &Context,
    actor: &Actor,
    user: Uuid,
    role: &RoleRef,
    new: NewAssignment,
) -> Result<(Assigned, Assignment), Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let rights = lock_upon(&tx, actor.caller()?, Right::RolesAssign, user).await?;
    let role = require(&*tx, role).await?;
    definition::check_role(&rights, &role.name, End::of(new.expires_at))?;
    let issuer = &context.config.tokens.issuer;
    let assigned = assign_within(&tx, issuer, user, &role, &new).await?;
    // The current state, which the locks preserve until the transaction ends.
    let found = store::find(&tx, user, role.role_id).await?.assignment;
    let assignment = found.ok_or_else(|| Problem::new(Code::NotFound))?;
    if assigned != Assigned::Already {
        audit::record(&tx, &context.audit_keys, actor, entry(user, &role, &new)).await?;
        tx.commit().await?;
    }
    Ok((assigned, assignment))
}

impl Body {
    fn check(self, granted_by: Uuid) -> Result<NewAssignment, Problem> {
        let mut found = Findings::default();
        let reason = found.check("reason", Change::given(self.reason), definition::reason);
        found.finish(NewAssignment::new(self.expires_at, Some(granted_by), reason.value()))
    }
}
