//! Protects a role from changes by the API, or releases it; used by the command line only.

use serde_json::json;
use shared::role::{NotARoleName, RoleName};

use super::definition::Definitions;
use super::role::RoleRef;
use super::store;
use crate::actor::Actor;
use crate::audit::{self, Action, Entry};
use crate::db::{Connection, DbError};
use crate::keys::DerivedKeys;

/// Why protection was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ProtectError {
    /// The role name is invalid.
    #[error(transparent)]
    Name(#[from] NotARoleName),
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
    connection: &mut Connection,
    audit_keys: &DerivedKeys,
    name: &str,
    is_system: bool,
) -> Result<bool, ProtectError> {
    let name: RoleName = name.parse()?;
    let tx = connection.begin().await?;
    Definitions::lock(&tx).await?;
    let role = store::find(&*tx, &RoleRef::Name(name)).await?.ok_or(ProtectError::NoRole)?;
    if !store::set_system(&tx, role.role_id, is_system).await? {
        return Ok(false);
    }
    let detail = json!({ "is_system": { "before": !is_system, "after": is_system } });
    let entry = Entry::new(Action::RoleChanged, role.role_id, detail);
    audit::record(&tx, audit_keys, &Actor::command(), entry).await?;
    tx.commit().await?;
    Ok(true)
}
