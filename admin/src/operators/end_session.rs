//! `DELETE /api/v1/admin/users/{id}/sessions/{sid}`: revokes one of a user's sessions.

use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::guard::lock_person;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Code, Operation, Problem, Request, Response, Shape};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::revocations::{self, NewRevocation};
use crate::sessions::end_one_of;
use crate::sessions::session::EndReason;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .takes_away()
        .summary("Revoke one of a user's sessions.")
        .access(Access::Permission(Right::SessionsEnd.as_str()))
        .fresh()
        .path("sid", "The session.", Shape::uuid("0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a"))
        .empty(204, "The session has been revoked.")
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404, also for a session that has ended; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::SessionsEnd).await?;
    end_session(&request.context, &request.actor(), user, request.uuid("sid")?).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// Ends one session of the user.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn end_session(
    core: &Core,
    actor: &Actor,
    user: Uuid,
    session: Uuid,
) -> Result<(), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, core, actor, Right::SessionsEnd, user).await?;
    if !end_one_of(&tx, session, user, EndReason::Admin).await? {
        return Err(Problem::new(Code::NotFound));
    }
    revocations::record(&tx, &core.issuer, &[NewRevocation::session(session)]).await?;
    let entry =
        AuditEntry::new(AuditAction::SessionEnded, user.to_string(), json!({ "session_id": session }));
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    Ok(tx.commit().await?)
}
