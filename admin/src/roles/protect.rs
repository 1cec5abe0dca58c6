//! Protects a role from changes by the API, or releases it; used by the command line only.

use serde_json::json;
use shared::role::RoleName;

use super::definition::Definitions;
use super::role::RoleRef;
use super::store;
use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::DbError;

/// Why protection was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ProtectError {
    /// The role does not exist.
    #[error("the role does not exist")]
    NoRole,
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Protects or releases the role. `false` when nothing changed.
///
/// # Errors
///
/// When the role does not exist, or PostgreSQL is unavailable.
pub async fn protect(
    core: &Core,
    actor: &Actor,
    name: &RoleName,
    is_system: bool,
) -> Result<bool, ProtectError> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    Definitions::lock(&tx).await?;
    let role = store::find(&*tx, &RoleRef::Name(name.clone())).await?.ok_or(ProtectError::NoRole)?;
    if !store::set_system(&tx, role.role_id, is_system).await? {
        return Ok(false);
    }
    let detail = json!({ "is_system": { "before": !is_system, "after": is_system } });
    let entry = AuditEntry::new(AuditAction::RoleChanged, role.role_id, detail);
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await?;
    Ok(true)
}
