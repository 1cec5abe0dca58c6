//! `POST /api/v1/admin/users/{id}/enable`: enables a disabled account.

use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::guard::lock_person;
use super::store;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::notices::{self, NoticeTarget};
use crate::users::store::ACTIVE;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("Enable a disabled account.")
        .detail("The user can sign in again. Repeating the request changes nothing.")
        .access(Access::Permission(Right::UsersWrite.as_str()))
        .fresh()
        .empty(204, "The account is active.")
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersWrite).await?;
    enable(&request.context, &request.actor(), user).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// Enables the account again.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn enable(core: &Core, actor: &Actor, user: Uuid) -> Result<(), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, core, actor, Right::UsersWrite, user).await?;
    if store::set_status(&tx, user, ACTIVE).await? {
        notices::account_enabled(NoticeTarget { core, tx: &tx, user }).await?;
        let entry = AuditEntry::new(AuditAction::UserEnabled, user.to_string(), json!({}));
        audit::record(&tx, &core.audit_keys, actor, entry).await?;
        tx.commit().await?;
    }
    Ok(())
}
