//! `POST /api/v1/admin/users/{id}/logout-all`: revokes all of a user's sessions.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::lock_person;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::sessions::renew::end_older;
use crate::sessions::session::EndReason;
use crate::users;

/// The outcome.
#[derive(Serialize, ToSchema)]
#[schema(as = EndedSessions)]
struct EndedSessions {
    /// The number of revoked sessions.
    revoked: u64,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .takes_away()
        .summary("Revoke all of a user's sessions.")
        .detail("All tokens are refused within milliseconds. The user can sign in again.")
        .access(Access::Permission(Right::SessionsEnd.as_str()))
        .fresh()
        .answer::<EndedSessions>(200, "All sessions have been revoked.", json!({ "revoked": 1 }))
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::SessionsEnd).await?;
    let revoked = end_sessions(&request.context, &request.actor(), user).await?;
    Ok(Response::json(StatusCode::OK, &EndedSessions { revoked }))
}

/// Ends all sessions of the user, and returns how many there were.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn end_sessions(core: &Core, actor: &Actor, user: Uuid) -> Result<u64, Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, core, actor, Right::SessionsEnd, user).await?;
    let generation = users::store::advance_generation(&tx, user).await?;
    users::store::forget_devices_and_networks(&tx, user).await?;
    let revoked = end_older(&tx, &core.issuer, user, None, generation, EndReason::Admin).await?;
    let entry =
        AuditEntry::new(AuditAction::SessionsEnded, user.to_string(), json!({ "sessions_ended": revoked }));
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await?;
    Ok(revoked)
}
