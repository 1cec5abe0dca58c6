//! `POST /api/v1/admin/users/{id}/unlock`: failed attempts of an account no longer count.

use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::guard::lock_person;
use crate::access::{Right, allowed_upon, of_user};
use crate::actor::Actor;
use crate::api::{Access, Operation, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::users::store::forget_attempts;
use crate::users::{Account, Identifier, store as users};

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    of_user(operation)
        .tag("Operators")
        .summary("Let a user try passwords again.")
        .detail(
            "Failed attempts of the account no longer count: by name, session, device or network. Counters of addresses \
             do not change.",
        )
        .access(Access::Permission(Right::UsersWrite.as_str()))
        .fresh()
        .empty(204, "The account's failed attempts no longer count.")
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let (_, user) = allowed_upon(&request, Right::UsersWrite).await?;
    unlock(&request.context, &request.actor(), user).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// From now on the failed attempts of the account no longer count.
///
/// # Errors
///
/// 403 `forbidden`; 404; 401; 503.
pub async fn unlock(core: &Core, actor: &Actor, user: Uuid) -> Result<(), Problem> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    lock_person(&tx, core, actor, Right::UsersWrite, user).await?;
    forget_attempts(&tx, user).await?;
    let entry = AuditEntry::new(AuditAction::UserUnlocked, user.to_string(), json!({}));
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await?;
    Ok(())
}

/// The user with this identifier, e-mail address or login name, as an operator types it.
///
/// # Errors
///
/// 503.
pub async fn find(core: &Core, name: &str) -> Result<Option<Uuid>, Problem> {
    let connection = core.db.get().await?;
    let account: Option<Account> = match name.parse() {
        Ok(id) => users::find_by_id(&connection, id, None).await?,
        Err(_) => users::find(&connection, &Identifier::read(name), None).await?,
    };
    Ok(account.map(|account| account.id))
}
