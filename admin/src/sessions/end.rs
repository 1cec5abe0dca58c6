//! `DELETE /api/v1/me/sessions/{sid}`: revokes one of the caller's sessions.

use http::StatusCode;
use uuid::Uuid;

use super::history::{self, Event, HistoryEntry};
use super::session::EndReason;
use super::store;
use crate::access::{caller, still};
use crate::actor::Actor;
use crate::api::{Access, Code, Operation, Problem, Request, Response, Shape};
use crate::context::Context;
use crate::revocations::{self, NewRevocation};

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .takes_away()
        .summary("Revoke one of your sessions.")
        .detail("Its tokens are refused from then on. It may be the current session. No recent sign-in is needed: a user who sees the \
            session of a stranger ends it at once.")
        .access(Access::SignedIn)
        .path("sid", "The session.", Shape::uuid("0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a"))
        .empty(204, "The session has been revoked.")
        .problems(&[Code::NotFound])
}

/// Handles the request.
///
/// # Errors
///
/// 404 `not_found` when the session does not exist, belongs to another user, or has ended; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    caller(&request).await?;
    let session = request.uuid("sid")?;
    end(&request.context, &request.actor(), session).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

async fn end(context: &Context, actor: &Actor, session: Uuid) -> Result<(), Problem> {
    let caller = actor.caller()?;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    if !store::end_one_of(&tx, session, caller.user, EndReason::Ended).await? {
        return Err(Problem::new(Code::NotFound));
    }
    // Except for the caller's own session, which this request has just revoked: the lock may have been waited
    // for.
    if session != caller.session {
        still(&tx, caller).await?;
    }
    revocations::record(&tx, &context.issuer, &[NewRevocation::session(session)]).await?;
    tx.commit().await?;
    drop(connection);
    let entry = HistoryEntry { event: Event::SessionEnded, user: Some(caller.user), session: Some(session) };
    history::record(context, actor, entry).await;
    Ok(())
}
