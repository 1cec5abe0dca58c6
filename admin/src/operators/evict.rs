//! `POST /api/v1/admin/users/{id}/evict`: evicts intruders from a user's account.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::lock_person;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Context;
use crate::evict::{Evicted, evict};
use crate::notices::{self, NoticeTarget};
use crate::sessions::history::{self, Event};
use crate::sessions::session::EndReason;

/// The number of revoked sessions, and the providers whose accounts were unlinked or are still linked.
#[derive(Serialize, ToSchema)]
#[schema(as = Eviction)]
struct Eviction {
    /// The number of revoked sessions.
    revoked: u64,
    /// The providers whose accounts were unlinked.
    unlinked: Vec<String>,
    /// The providers whose accounts are still linked.
    linked: Vec<String>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .takes_away()
        .summary("Evict intruders from a user's account.")
        .detail(
            "All sessions are revoked, sign-ins in progress are cancelled, and accounts at providers that were linked \
            within the last 30 days are unlinked, unless the user was created with them or would have no sign-in method \
            left. The password does not change.",
        )
        .access(Access::Permission(Right::UsersWrite.as_str()))
        .fresh()
        .answer::<Eviction>(
            200,
            "The number of revoked sessions, and the providers whose accounts were unlinked or are still linked.",
            json!({ "revoked": 2, "unlinked": ["github"], "linked": ["google"] }),
        )
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersWrite).await?;
    let (context, actor) = (&request.context, request.actor());
    let evicted = evict_from(context, &actor, user).await?;
    for entry in evicted.history(user, Event::Evicted) {
        history::record(context, &actor, entry).await;
    }
    let Evicted { sessions, unlinked, linked } = evicted;
    Ok(Response::json(StatusCode::OK, &Eviction { revoked: sessions, unlinked, linked }))
}

async fn evict_from(context: &Context, actor: &Actor, user: Uuid) -> Result<Evicted, Problem> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, context, actor, Right::UsersWrite, user).await?;
    let evicted = evict(&tx, context, user, EndReason::Admin).await?;
    notices::evicted(NoticeTarget { core: context, tx: &tx, user }).await?;
    let detail = json!({ "sessions_ended": evicted.sessions, "unlinked": evicted.unlinked });
    let entry = AuditEntry::new(AuditAction::UserEvicted, user.to_string(), detail);
    audit::record(&tx, &context.audit_keys, actor, entry).await?;
    tx.commit().await?;
    Ok(evicted)
}
