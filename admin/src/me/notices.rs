//! `GET /api/v1/me/notices`: what happened to the caller's account within the last 30 days.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::Object;
use uuid::Uuid;

use crate::access::caller;
use crate::api::schema::one_of;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::mail::NoticeKind;
use crate::notices::store::{self, RecordedNotice};

/// The notices, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Notices)]
struct Notices {
    #[schema(max_items = 200)]
    items: Vec<NoticeItem>,
}

/// Something that happened to the account.
#[derive(Serialize, ToSchema)]
#[schema(as = Notice)]
struct NoticeItem {
    notice_id: Uuid,
    #[schema(schema_with = kind_schema)]
    kind: String,
    occurred_at: Timestamp,
    /// The browser and the system of the client, as far as they are known; null for an operator's change.
    #[schema(required)]
    client: Option<String>,
    /// The network of the client: its first address and the length of the prefix.
    #[schema(required)]
    network: Option<String>,
    /// The identity provider that it is about.
    #[schema(required)]
    provider: Option<String>,
}

fn kind_schema() -> Object {
    one_of(NoticeKind::ALL.iter().map(|kind| kind.word()), "What happened. Later versions may add kinds.")
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("List what happened to your account within the last 30 days.")
        .detail(
            "Changes of credentials and sign-in methods, sign-ins on new devices, and changes by operators; at most the \
            newest 200. Each is also sent by mail, if this service sends mail and your account has an address.",
        )
        .access(Access::SignedIn)
        .answer::<Notices>(
            200,
            "The notices, newest first.",
            json!({ "items": [{
                "notice_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
                "kind": "new_device",
                "occurred_at": "2026-11-25T20:15:30.123456Z",
                "client": "Firefox, Linux",
                "network": "198.51.100.0/24",
                "provider": null
            }] }),
        )
}

/// Handles the request.
///
/// # Errors
///
/// 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let recorded = store::of_user(&request.context.db.get().await?, caller.user).await?;
    let items = recorded.into_iter().map(item).collect();
    Ok(Response::json(StatusCode::OK, &Notices { items }))
}

fn item(notice: RecordedNotice) -> NoticeItem {
    NoticeItem {
        notice_id: notice.id,
        kind: notice.kind,
        occurred_at: notice.occurred_at,
        client: notice.software.shown(),
        network: notice.network.map(crate::mail::shown_network),
        provider: notice.provider,
    }
}
