//! `POST /api/v1/admin/users/{id}/evict`: evicts intruders from a user's account.

use deserr::Deserr;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::lock_person;
use super::reason::OperatorReason;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Findings, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
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

/// Why; it may be omitted.
#[derive(Deserr, ToSchema)]
#[schema(as = OptionallyReasonedOrder)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// For the audit log, until the user is erased.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, pattern = "^[^\\x00]*[^\\x00\\t-\\r ][^\\x00]*$")]
    reason: Option<OperatorReason>,
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
            left. A change of the address, and a recovery, that wait are void. The password does not change. A `reason` is for \
            the audit log.",
        )
        .access(Access::Permission(Right::UsersWrite.as_str()))
        .fresh()
        .optional_body::<Body>(json!({ "reason": "A stranger was signed in." }))
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
    let body: Body = request.form_if_any()?.finish()?;
    let (context, actor) = (&request.context, request.actor());
    let reason = body.reason.map(String::from);
    let evicted = evict_from(context, &actor, user, reason.as_deref()).await?;
    for entry in evicted.history(user, Event::Evicted) {
        history::record(context, &actor, entry).await;
    }
    let Evicted { sessions, unlinked, linked, is_password_removed: _ } = evicted;
    Ok(Response::json(StatusCode::OK, &Eviction { revoked: sessions, unlinked, linked }))
}

/// Evicts, and notifies the user.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn evict_from(
    core: &Core,
    actor: &Actor,
    user: Uuid,
    reason: Option<&str>,
) -> Result<Evicted, Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, core, actor, Right::UsersWrite, user).await?;
    let evicted = evict(&tx, core, user, EndReason::Admin).await?;
    notices::evicted(NoticeTarget { core, tx: &tx, user }).await?;
    let detail = json!({ "sessions_ended": evicted.sessions, "unlinked": evicted.unlinked });
    let entry = AuditEntry::new(AuditAction::UserEvicted, user.to_string(), detail).reason(reason);
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await?;
    Ok(evicted)
}
