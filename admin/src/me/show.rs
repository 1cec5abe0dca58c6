//! `GET /api/v1/me`: the caller's profile.

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::access::caller;
use crate::api::{Access, Code, Operation, Problem, Request, Response, with_etag};
use crate::db::Connection;
use crate::users::profile::Profile;
use crate::users::store;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Show your profile and roles.")
        .access(Access::SignedIn)
        .answer::<Profile>(200, "The profile.", example())
        .answer_header(200, "ETag", VERSION)
}

/// The value of `ETag`.
pub(super) const VERSION: &str =
    "The version of the profile, for `If-Match`. It does not change when a role is deleted.";

/// An example profile.
pub(super) fn example() -> Value {
    json!({
        "user_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
        "email": "anna@example.org",
        "login": "anna",
        "display_name": "Anna",
        "first_name": "Анна",
        "last_name": null,
        "phone": "+79991234567",
        "locale": "ru-RU",
        "roles": ["subscriber"],
        "is_superuser": false,
        "created_at": "2026-11-25T20:15:30.123456Z",
        "updated_at": "2026-11-25T20:15:30.123456Z"
    })
}

/// Handles the request.
///
/// # Errors
///
/// 401 as for every call with an access token; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let connection = request.context.db.get().await?;
    respond(&connection, caller.user).await
}

/// The current profile, with its version as `ETag`.
pub(super) async fn respond(connection: &Connection, user: Uuid) -> Result<Response, Problem> {
    let profile = store::profile(connection, user).await?;
    // The user was deleted after the token was checked.
    let profile = profile.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    Ok(with_etag(Response::json(StatusCode::OK, &profile), profile.version()))
}
