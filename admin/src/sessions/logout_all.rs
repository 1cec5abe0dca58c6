//! `POST /api/v1/auth/logout-all`: revokes all sessions of the caller, or all others.

use deserr::Deserr;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::history::{self, Event, HistoryEntry};
use super::mint::Proof;
use super::pair::{self, Pair};
use super::renew::{end_older, lock_account, lock_current, renew};
use super::session::EndReason;
use crate::access::caller;
use crate::actor::Actor;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response, SessionCookies};
use crate::context::Context;
use crate::users;

/// Which sessions to revoke.
#[derive(Deserr, ToSchema)]
#[schema(as = SignOutEverywhere)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// Whether the current session continues, with a new token pair.
    #[deserr(default)]
    #[serde(default)]
    keep_current: bool,
}

/// What was revoked, and the tokens of the session that continues.
#[derive(Serialize)]
pub(crate) struct Ended {
    revoked: u64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) pair: Option<Pair>,
}

/// How many sessions were revoked and, if the current one continues, its new token pair.
// The schema of `Ended`: a flattened optional member has no schema.
#[derive(ToSchema)]
#[schema(as = Ended)]
#[expect(dead_code, reason = "used only for its schema")]
struct EndedForm {
    /// The number of revoked sessions.
    revoked: u64,
    /// This member and the following ones are present only with `keep_current`.
    #[schema(nullable = false)]
    access_token: Option<String>,
    #[schema(nullable = false, pattern = "^Bearer$")]
    token_type: Option<String>,
    #[schema(nullable = false)]
    expires_in: Option<u64>,
    #[schema(nullable = false)]
    refresh_token: Option<String>,
    #[schema(nullable = false)]
    refresh_expires_in: Option<u64>,
    #[schema(nullable = false)]
    session_id: Option<Uuid>,
    #[schema(nullable = false)]
    device_token: Option<String>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .takes_away()
        .summary("Sign out everywhere.")
        .detail("Revokes all of your sessions, or all but the current one, whose tokens are then replaced.")
        .access(Access::SignedIn)
        .optional_body::<Body>(json!({ "keep_current": true }))
        .answer::<EndedForm>(200, "The sessions have been revoked.", example())
        .problems(&[Code::SessionExpired])
}

fn example() -> Value {
    let mut example = pair::example();
    if let Some(members) = example.as_object_mut() {
        members.insert("revoked".to_owned(), json!(3));
    }
    example
}

/// Handles the request.
///
/// # Errors
///
/// 401 as for every call with an access token, or `session_expired`; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    caller(&request).await?;
    let body: Body = request.form_if_any()?.finish()?;
    let ended = end_all(&request.context, &request.actor(), body.keep_current).await?;
    let response = Response::json(StatusCode::OK, &ended);
    Ok(match &ended.pair {
        Some(pair) => pair.with_cookie(response).with_session(pair.cookies()),
        None => response.with_session(SessionCookies::Clear),
    })
}

pub(crate) async fn end_all(context: &Context, actor: &Actor, keep_current: bool) -> Result<Ended, Problem> {
    let caller = actor.caller()?;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    lock_account(&tx, caller).await?;
    let current = if keep_current { Some(lock_current(&tx, caller).await?) } else { None };
    let generation = users::store::advance_generation(&tx, caller.user).await?;
    let kept = current.as_ref().map(|session| session.id);
    let revoked =
        end_older(&tx, &context.issuer, caller.user, kept, generation, EndReason::LogoutAll).await?;
    let pair = match current {
        Some(session) => Some(renew(context, actor.client(), &tx, session, Proof::SignIn).await?),
        None => None,
    };
    tx.commit().await?;
    drop(connection);
    let entry =
        HistoryEntry { event: Event::LogoutAll, user: Some(caller.user), session: Some(caller.session) };
    history::record(context, actor, entry).await;
    Ok(Ended { revoked, pair })
}
