//! `POST /api/v1/auth/logout-all`: ends every session of the caller, or every other.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::history::{self, Entry, Event};
use super::mint::Pair;
use super::renew::{end_older, lock_account, lock_current, renew};
use super::session::EndReason;
use crate::access::{Caller, caller};
use crate::api::{Problem, Request, Response};
use crate::users;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Body {
    keep_current: bool,
}

#[derive(Serialize)]
struct Ended {
    /// How many sessions ended.
    revoked: u64,
    /// The new pair of the session that was kept.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pair: Option<Pair>,
}

/// Answers the request.
///
/// # Errors
///
/// 401 as every call with an access token; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let body = request.json_if_any::<Body>()?.unwrap_or_default();
    let ended = end(&request, caller, body.keep_current).await?;
    let entry = Entry { event: Event::LogoutAll, user: Some(caller.user), session: Some(caller.session) };
    history::record(&request, entry).await;
    Ok(Response::json(StatusCode::OK, &ended))
}

async fn end(request: &Request, caller: Caller, keep_current: bool) -> Result<Ended, Problem> {
    let mut connection = request.context.db.get().await?;
    let tx = connection.begin().await?;
    lock_account(&tx, caller).await?;
    let current = if keep_current { Some(lock_current(&tx, caller).await?) } else { None };
    let generation = users::store::advance_generation(&tx, caller.user).await?;
    let kept = current.as_ref().map(|session| session.id);
    let issuer = &request.context.config.tokens.issuer;
    let revoked = end_older(&tx, issuer, caller.user, kept, generation, EndReason::LogoutAll).await?;
    let pair = match current {
        Some(session) => Some(renew(request, &tx, session).await?),
        None => None,
    };
    tx.commit().await?;
    Ok(Ended { revoked, pair })
}
