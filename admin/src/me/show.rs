//! `GET /api/v1/me`: who the caller is.

use http::{HeaderValue, StatusCode, header};
use uuid::Uuid;

use crate::access::caller;
use crate::api::{Code, Problem, Request, Response};
use crate::db::Connection;
use crate::users::store;

/// Answers the request.
///
/// # Errors
///
/// 401 as every call with an access token; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let connection = request.context.db.get().await?;
    respond(&connection, caller.user).await
}

/// The profile as it stands, and its version as `ETag`.
pub(super) async fn respond(connection: &Connection, user: Uuid) -> Result<Response, Problem> {
    let profile = store::profile(connection, user).await?;
    // Removed since the token was looked at.
    let profile = profile.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    let response = Response::json(StatusCode::OK, &profile);
    Ok(match HeaderValue::try_from(format!("\"{}\"", profile.version())) {
        Ok(tag) => response.with_header(header::ETAG, tag),
        Err(_not_a_number) => response,
    })
}
