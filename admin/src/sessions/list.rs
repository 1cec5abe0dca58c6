//! `GET /api/v1/me/sessions`: the caller's sessions.

use std::net::IpAddr;

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::Array;
use uuid::Uuid;

use super::mint::AUTHENTICATION_METHODS;
use super::session::ListedSession;
use super::store;
use crate::access::caller;
use crate::api::schema::some_of;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::db::{Connection, DbError};

/// A longer list helps no reader.
const MOST: i64 = 200;

/// A user's sessions, the most recently used first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sessions {
    #[schema(max_items = 200)]
    pub(crate) items: Vec<SessionItem>,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionItem {
    pub(crate) session_id: Uuid,
    /// Whether it is the session of this request.
    pub(crate) current: bool,
    pub(crate) client_id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Timestamp,
    /// When the session ends; a refresh before then may extend it.
    pub(crate) expires_at: Timestamp,
    #[schema(schema_with = amr_schema)]
    pub(crate) amr: Vec<String>,
    /// The identity provider used to sign in; null for a password or a code.
    #[schema(required)]
    pub(crate) provider: Option<String>,
    /// The IP address.
    #[schema(value_type = Option<String>, required)]
    pub(crate) address: Option<IpAddr>,
    #[schema(required, max_length = 512)]
    pub(crate) user_agent: Option<String>,
    #[schema(required, max_length = 64)]
    pub(crate) device_name: Option<String>,
}

fn amr_schema() -> Array {
    some_of(
        AUTHENTICATION_METHODS,
        "How the user authenticated (RFC 8176): by password, at an identity provider, or with a code from a mail.",
    )
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("List your sessions.")
        .detail("Active sessions, at most 200.")
        .access(Access::SignedIn)
        .answer::<Sessions>(200, "The sessions.", example())
}

/// Example sessions.
pub(crate) fn example() -> Value {
    json!({ "items": [{
                "session_id": "0193a1af-e27c-7d7e-8f9a-0b1c2d3e4f5a",
                "current": true,
                "client_id": "cinema",
                "created_at": "2026-11-25T20:15:30.123456Z",
                "last_used_at": "2026-11-25T20:30:10.5Z",
                "expires_at": "2026-12-25T20:30:10.5Z",
                "amr": ["pwd"],
                "provider": null,
                "address": "198.51.100.7",
                "user_agent": "Film/1.0 (TV)",
                "device_name": "Living room"
            }] })
}

/// Handles the request.
///
/// # Errors
///
/// 401 as for every call with an access token; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let connection = request.context.db.get().await?;
    let sessions = Sessions::of(&connection, caller.user, caller.session).await?;
    Ok(Response::json(StatusCode::OK, &sessions))
}

impl Sessions {
    /// How many they are.
    pub(crate) fn count(&self) -> usize {
        self.items.len()
    }

    /// The sessions of a user; `current` is the session of this request.
    pub(crate) async fn of(connection: &Connection, user: Uuid, current: Uuid) -> Result<Self, DbError> {
        let sessions = store::list(connection, user, MOST).await?;
        Ok(Self { items: sessions.into_iter().map(|session| SessionItem::new(session, current)).collect() })
    }
}

impl SessionItem {
    fn new(session: ListedSession, current: Uuid) -> Self {
        Self {
            session_id: session.id,
            current: session.id == current,
            client_id: session.client,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
            amr: session.amr,
            provider: session.provider,
            address: session.device.address,
            user_agent: session.device.user_agent,
            device_name: session.device.name,
        }
    }
}
