//! Completes an erasure: deletes everything of the user, and writes the record.

use uuid::Uuid;

use super::store;
use crate::access::check_not_last;
use crate::actor::{Actor, ActorKind};
use crate::api::Problem;
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::{Context, Core};
use crate::db::{DbError, Transaction};
use crate::notices::{self, NoticeTarget};
use crate::purge::PurgeError;
use crate::users;

/// Completes one erasure whose time has come. Returns how many it completed. Safe on several admins.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn complete_due(context: &Context) -> Result<u64, PurgeError> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let Some(user) = store::lock_due(&tx).await? else { return Ok(0) };
    complete(&tx, context, &Actor::service(), user, context.config.retention.history_hold.is_some()).await?;
    tx.commit().await?;
    tracing::info!(%user, "A user was erased.");
    Ok(1)
}

/// Completes the erasure of `user`, which has begun; the user must be locked exclusively together with all superusers.
///
/// # Errors
///
/// 409 `last_superuser`; 503.
pub(crate) async fn erase_at_once(
    tx: &Transaction<'_>,
    core: &Core,
    actor: &Actor,
    user: Uuid,
    keeps_history: bool,
) -> Result<(), Problem> {
    if store::state(tx, user).await?.is_some_and(|state| state.is_superuser) {
        check_not_last(tx, user).await?;
    }
    Ok(complete(tx, core, actor, user, keeps_history).await?)
}

/// The rows of the user are deleted table by table, and the user last. The entry of the audit log is the last statement.
async fn complete(
    tx: &Transaction<'_>,
    core: &Core,
    actor: &Actor,
    user: Uuid,
    keeps_history: bool,
) -> Result<(), DbError> {
    let address = users::store::address(&**tx, user).await?;
    // What still waits to be sent goes first; the last mail says that the account is erased.
    core.outbox.forget(tx, user, address.as_ref().map(|address| address.key.as_str())).await?;
    if let Some(former) = users::email_changes::store::former_key(tx, user).await? {
        core.outbox.forget(tx, user, Some(&former)).await?;
    }
    notices::account_erased(NoticeTarget { core, tx, user }).await?;
    let categories = store::delete_all(tx, user, keeps_history).await?;
    audit::erase(tx, user).await?;
    let detail = serde_json::json!({ "categories": categories });
    let entry = AuditEntry::new(AuditAction::UserErased, user.to_string(), detail);
    // The client's address would be the address of the person who is erased.
    let is_own = actor.user() == Some(user) || actor.kind() == ActorKind::Visitor;
    let service = Actor::service();
    audit::record(tx, &core.audit_keys, if is_own { &service } else { actor }, entry).await
}
