//! Signing out all users: increments the deployment's generation.

use serde_json::json;

use super::store;
use crate::actor::Actor;
use crate::audit::{self, Action, Entry};
use crate::db::{Connection, DbError};
use crate::keys::DerivedKeys;
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
pub async fn end_everybody(
    connection: &mut Connection,
    audit_keys: &DerivedKeys,
    issuer: &str,
) -> Result<u64, DbError> {
    let tx = connection.begin().await?;
    let generation = store::advance_deployment(&tx).await?;
    revocations::record(&tx, issuer, &[NewRevocation::everything(generation)]).await?;
    let entry = Entry::new(Action::EverybodySignedOut, issuer, json!({ "generation": generation }));
    audit::record(&tx, audit_keys, &Actor::command(), entry).await?;
    tx.commit().await?;
    Ok(generation)
}
