//! Takes a role out of the API's reach, or puts it back: from the command line alone.

use serde_json::json;
use shared::role::{NotARoleName, RoleName};

use super::definition::Definitions;
use super::role::RoleRef;
use super::store;
use crate::audit::{self, Action, Actor, Entry};
use crate::db::{Connection, DbError};
use crate::keys::DerivedKeys;

/// Why a role is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ProtectError {
    /// The name.
    #[error(transparent)]
    Name(#[from] NotARoleName),
    /// There is no such role.
    #[error("there is no such role")]
    NoRole,
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Lets the API change and delete the role no longer, or again. `false` when it was so already.
///
/// # Errors
///
/// When there is no such role, or PostgreSQL is away.
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
