//! Signing out all users: increments the deployment's generation.

use serde_json::json;

use super::store;
use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Core;
use crate::db::DbError;
use crate::revocations::{self, NewRevocation};

/// Revokes all sessions and returns the new generation. No session row is updated: a session that began under
/// an earlier generation has ended, and access tokens carry their generation.
///
/// It waits for no sign-in or refresh in progress: one that has read the former generation creates a session
/// that has already ended.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn revoke_all(core: &Core, actor: &Actor) -> Result<u64, DbError> {
    let mut connection = core.db.get().await?;
    let tx = connection.begin().await?;
    let generation = store::advance_deployment(&tx).await?;
    revocations::record(&tx, &core.issuer, &[NewRevocation::deployment(generation)]).await?;
    let entry = AuditEntry::new(AuditAction::AllRevoked, &*core.issuer, json!({ "generation": generation }));
    audit::record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await?;
    Ok(generation)
}
