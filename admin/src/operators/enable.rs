//! `POST /api/v1/admin/users/{id}/enable`: enables a disabled account.

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::lock_person;
use super::store;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::notices::{self, NoticeTarget};
use crate::pending_erasure;
use crate::users::store::ACTIVE;

/// An account that is not active yet.
#[derive(Serialize, ToSchema)]
struct EnabledLater {
    /// When it will be erased, unless its user keeps it.
    erase_at: Timestamp,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("Enable a disabled account.")
        .detail(
            "The user can sign in again. Repeating the request changes nothing. An account that will be erased stays so: the \
            answer is 202 and says until when. Only its user can keep it, by a sign-in.",
        )
        .access(Access::Permission(Right::UsersWrite.as_str()))
        .fresh()
        .empty(204, "The account is active.")
        .answer::<EnabledLater>(
            202,
            "The account will be erased. It is active if its user keeps it until then.",
            json!({ "erase_at": "2026-12-09T20:15:30.123456Z" }),
        )
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersWrite).await?;
    Ok(match enable(&request.context, &request.actor(), user).await? {
        None => Response::empty(StatusCode::NO_CONTENT),
        Some(erase_at) => Response::json(StatusCode::ACCEPTED, &EnabledLater { erase_at }),
    })
}

/// Enables the account again. Returns when it will be erased, if so: then the user cannot sign in before keeping it.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn enable(core: &Core, actor: &Actor, user: Uuid) -> Result<Option<Timestamp>, Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, core, actor, Right::UsersWrite, user).await?;
    let erase_at = pending_erasure::find(&*tx, user).await?.map(|pending| pending.due_at);
    if store::set_status(&tx, user, ACTIVE).await? {
        notices::account_enabled(NoticeTarget { core, tx: &tx, user }).await?;
        let entry = AuditEntry::new(AuditAction::UserEnabled, user.to_string(), json!({}));
        audit::record(&tx, &core.audit_keys, actor, entry).await?;
        tx.commit().await?;
    }
    Ok(erase_at)
}
