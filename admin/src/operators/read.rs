//! What a command of an operator has read is audited, as what an endpoint returns: `router::watch` sees to the latter.

use serde_json::json;
use uuid::Uuid;

use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::DbError;

/// A command has read the data of a user; noted once an hour.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn note_view(core: &Core, user: Uuid, command: &'static str) -> Result<(), DbError> {
    note(core, AuditAction::UserViewed, &user.to_string(), command).await
}

/// A command has searched for users; noted once an hour.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn note_search(core: &Core, command: &'static str) -> Result<(), DbError> {
    note(core, AuditAction::UsersSearched, &core.issuer, command).await
}

async fn note(core: &Core, action: AuditAction, target: &str, command: &'static str) -> Result<(), DbError> {
    let entry = AuditEntry::new(action, target, json!({ "command": command }));
    audit::record_once(core, &Actor::command(), entry).await
}
