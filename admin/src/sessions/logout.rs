//! `POST /api/v1/auth/logout`: revokes the session of an access token or a refresh token.

use deserr::Deserr;
use http::StatusCode;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::history::{self, Event, HistoryEntry};
use super::mint;
use super::refresh_token::{RefreshToken, SealedText};
use super::session::EndReason;
use super::store;
use crate::access::session_to_end;
use crate::actor::Actor;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::revocations::{self, NewRevocation};

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

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .takes_away()
        .summary("Sign out.")
        .detail(
            "Revokes the session of the access token, of the refresh token in the body, or both. Returns \
            204 even if the session has already ended, or the access token has expired within the last four hours.",
        )
        .access(Access::Optional)
        .optional_body::<Body>(json!({ "refresh_token": mint::EXAMPLE_TOKEN }))
        .empty(204, "The session has ended.")
        .problems(&[Code::TokenMissing, Code::TokenInvalid, Code::TokenExpired, Code::RefreshTokenInvalid])
}

/// Handles the request. A session that ended before also returns 204.
///
/// # Errors
///
/// 401 `token_missing` without any token, `token_invalid` or `refresh_token_invalid` for a token that this
/// service did not issue; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let body: Body = request.form_if_any()?.finish()?;
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
    for session in by_refresh_token.into_iter().chain(second) {
        end(&request.context, &request.actor(), session).await?;
    }
    Ok(Response::empty(StatusCode::NO_CONTENT))
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
pub(super) async fn end(context: &Context, actor: &Actor, session: Uuid) -> Result<(), Problem> {
    let _place = context.session_places.take(session).await;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let user = store::end(&tx, session, EndReason::Logout).await?;
    if user.is_some() {
        revocations::record(&tx, &context.issuer, &[NewRevocation::session(session)]).await?;
    }
    tx.commit().await?;
    drop(connection);
    if user.is_some() {
        let entry = HistoryEntry { event: Event::Logout, user, session: Some(session) };
        history::record(context, actor, entry).await;
    }
    Ok(())
}
