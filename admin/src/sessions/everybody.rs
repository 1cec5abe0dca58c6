//! Signing everybody out: the deployment's generation goes on.

use serde_json::json;

use super::store;
use crate::audit::{self, Action, Actor, Entry};
use crate::db::{Connection, DbError};
use crate::keys::DerivedKeys;
use crate::revocations::{self, NewRevocation};

/// Ends every session, and says which generation it is now. No session is touched for it: one that began under an earlier
/// generation is over, and access tokens carry theirs.
///
/// Nobody is waited for, either. Whoever read the former generation and signs in or refreshes just now gets what is over
/// already.
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
