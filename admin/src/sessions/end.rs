//! `DELETE /api/v1/me/sessions/{sid}`: ends one session of the caller's.

use http::StatusCode;

use super::history::{self, Entry, Event};
use super::store;
use crate::access::{caller, still};
use crate::api::{Code, Problem, Request, Response};
use crate::revocations::{self, NewRevocation};

/// Answers the request.
///
/// # Errors
///
/// 404 `not_found` when there is no such session, it is another person's, or has ended; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let session = request.uuid("sid")?;
    let mut connection = request.context.db.get().await?;
    let tx = connection.begin().await?;
    if !store::end_own(&tx, session, caller.user).await? {
        return Err(Problem::new(Code::NotFound));
    }
    // Unless it is its own, which has just ended: the session may have been waited for.
    if session != caller.session {
        still(&tx, caller).await?;
    }
    let issuer = &request.context.config.tokens.issuer;
    revocations::record(&tx, issuer, &[NewRevocation::session(session)]).await?;
    tx.commit().await?;
    drop(connection);
    let entry = Entry { event: Event::SessionEnded, user: Some(caller.user), session: Some(session) };
    history::record(&request, entry).await;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
