//! `POST /api/v1/admin/users/{id}/disable`: disables an account.

use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::guard::{lock_person, lock_superusers};
use super::store;
use crate::access::{Right, allowed_upon, check_not_last, of_user};
use crate::actor::Actor;
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::notices::{self, NoticeTarget};
use crate::sessions::renew::end_older;
use crate::sessions::session::EndReason;
use crate::users;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .takes_away()
        .summary("Disable an account.")
        .detail(
            "All sessions are revoked and all tokens are refused within milliseconds. Repeating the \
            request changes nothing.",
        )
        .access(Access::Permission(Right::UsersWrite.as_str()))
        .fresh()
        .empty(204, "The account is disabled.")
        .problems(&[Code::LastSuperuser])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`, `fresh_auth_required`; 404; 409 `last_superuser`; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersWrite).await?;
    disable(&request.context, &request.actor(), user).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// Disables the account.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn disable(core: &Core, actor: &Actor, user: Uuid) -> Result<(), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_superusers(&tx, actor, user).await?;
    let person = lock_person(&tx, core, actor, Right::UsersWrite, user).await?;
    if person.is_superuser {
        check_not_last(&tx, user).await?;
    }
    if store::set_status(&tx, user, "disabled").await? {
        let generation = users::store::advance_generation(&tx, user).await?;
        let ended = end_older(&tx, &core.issuer, user, None, generation, EndReason::Disabled).await?;
        notices::account_disabled(NoticeTarget { core, tx: &tx, user }).await?;
        let entry =
            AuditEntry::new(AuditAction::UserDisabled, user.to_string(), json!({ "sessions_ended": ended }));
        audit::record(&tx, &core.audit_keys, actor, entry).await?;
        tx.commit().await?;
    }
    Ok(())
}
