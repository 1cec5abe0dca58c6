//! `POST /api/v1/auth/logout`: revokes the session of an access token or a refresh token.

use deserr::Deserr;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::history::{self, Event, HistoryEntry};
use super::pair;
use super::refresh_token::{RefreshToken, SealedText};
use super::session::EndReason;
use super::store;
use crate::access::session_to_end;
use crate::actor::Actor;
use crate::api::{
    Access, Code, Findings, Operation, Problem, Query, Request, Response, SessionCookies, Shape,
};
use crate::context::Context;
use crate::revocations::{self, NewRevocation, Reached, Receipt, reach_all};

/// The refresh token of a session to revoke, if that is not the session of the access token.
#[derive(Deserr, ToSchema)]
#[schema(as = SignOut)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[^\\x00]*$")]
    refresh_token: Option<SealedText>,
}

/// How far a sign-out that waited has come.
#[derive(Serialize, ToSchema)]
#[schema(as = SignOutReach)]
struct SignOutReach {
    /// `all`: every sidecar that lives refuses the token. `bound`: two seconds have passed, and every sidecar that can prove
    /// that it is up to date does.
    reached: &'static str,
    /// With `all`: how many sidecars there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sidecars: Option<usize>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .takes_away()
        .summary("Sign out.")
        .detail(
            "Revokes the session of the access token, of the refresh token in the body, or both. Returns \
            204 even if the session has already ended, or the access token has expired within the last four hours. With \
            `wait=all` the response comes when every sidecar refuses the token, or after two seconds.",
        )
        .query("wait", "`all`: respond when every sidecar has applied it.", Shape::one_of(&["all"]))
        .access(Access::Optional)
        .optional_body::<Body>(json!({ "refresh_token": pair::EXAMPLE_TOKEN }))
        .empty(204, "The session has ended.")
        .answer::<SignOutReach>(
            200,
            "The session has ended, and the request waited.",
            json!({ "reached": "all", "sidecars": 2 }),
        )
        .problems(&[Code::TokenMissing, Code::TokenInvalid, Code::TokenExpired, Code::RefreshTokenInvalid])
}

/// Handles the request. A session that ended before also returns 204.
///
/// # Errors
///
/// 401 `token_missing` without any token, `token_invalid` or `refresh_token_invalid` for a token that this
/// service did not issue; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let mut query = Query::read(&request, &["wait"]);
    let waits = query.parse("wait", "Must be `all`.", |wait| (wait == "all").then_some(())).is_some();
    query.finish()?;
    let body: Body = request.form_with_refresh_token()?.finish()?;
    let session_of = |text: SealedText| session_of(&request.context, &text);
    let by_refresh_token = body.refresh_token.map(session_of).transpose()?;
    // With a refresh token the access token may be missing or invalid.
    let by_access_token = match session_to_end(&request) {
        Err(_) if by_refresh_token.is_some() => None,
        other => other?,
    };
    if by_refresh_token.is_none() && by_access_token.is_none() {
        return Err(Problem::new(Code::TokenMissing));
    }
    let second = by_access_token.filter(|session| Some(*session) != by_refresh_token);
    let mut receipt = None;
    for session in by_refresh_token.into_iter().chain(second) {
        receipt = end(&request.context, &request.actor(), session).await?.or(receipt);
    }
    if !waits {
        return Ok(Response::empty(StatusCode::NO_CONTENT).with_session(SessionCookies::Clear));
    }
    let waited = match reach_all(&request.context, receipt).await {
        Reached::All(sidecars) => SignOutReach { reached: "all", sidecars: Some(sidecars) },
        Reached::Bound => SignOutReach { reached: "bound", sidecars: None },
    };
    Ok(Response::json(StatusCode::OK, &waited).with_session(SessionCookies::Clear))
}

fn session_of(context: &Context, text: &SealedText) -> Result<Uuid, Problem> {
    match RefreshToken::open(text.expose(), &context.refresh_keys) {
        Ok(token) => Ok(token.session),
        Err(_unreadable) => Err(Problem::new(Code::RefreshTokenInvalid)),
    }
}

/// Takes the same lock as a refresh, so that no concurrent refresh mints a token that survives.
///
/// # Errors
///
/// 503.
pub(super) async fn end(context: &Context, actor: &Actor, session: Uuid) -> Result<Option<Receipt>, Problem> {
    let _place = context.session_places.take(session).await;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let user = store::end(&tx, session, EndReason::Logout).await?;
    let receipt = match user {
        Some(_) => {
            let ended = [NewRevocation::session(session)];
            Some(revocations::record_with_receipt(&tx, &context.issuer, &ended).await?)
        }
        None => None,
    };
    tx.commit().await?;
    drop(connection);
    if user.is_some() {
        let entry = HistoryEntry { event: Event::Logout, user, session: Some(session) };
        history::record(context, actor, entry).await;
    }
    Ok(receipt)
}
