//! `GET /api/v1/me`: the caller's profile.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::access::caller;
use crate::actor::Caller;
use crate::api::{Access, Code, Operation, Problem, Request, Response, with_etag};
use crate::db::Connection;
use crate::users::profile::Profile;
use crate::users::profile::store;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Show your profile, your roles and how you sign in.")
        .access(Access::SignedIn)
        .answer::<Profile>(200, "The profile.", example())
        .answer_header(200, "ETag", VERSION)
}

/// The value of `ETag`.
pub(super) const VERSION: &str =
    "The version of the profile, for `If-Match`. It does not change when a role or a linked account does.";

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
        "email_verified": false,
        "needs_email": false,
        "recovery_at": null,
        "has_password": true,
        "linked_providers": ["google"],
        "roles": [{ "name": "subscriber", "title": "Subscriber" }],
        "is_superuser": false,
        "auth_time": "2026-11-25T20:15:30Z",
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
    respond(&connection, caller).await
}

/// The current profile, with its version as `ETag`.
pub(super) async fn respond(connection: &Connection, caller: Caller) -> Result<Response, Problem> {
    let auth_time = i64::try_from(caller.auth_time()).unwrap_or(0);
    let auth_time = Timestamp::from_second(auth_time).unwrap_or(Timestamp::UNIX_EPOCH);
    let profile = store::profile(connection, caller.user, auth_time).await?;
    // The user was deleted after the token was checked.
    let profile = profile.ok_or_else(|| Problem::new(Code::TokenRevoked))?;
    Ok(with_etag(Response::json(StatusCode::OK, &profile), profile.version()))
}
