//! Signing everybody out: the deployment's generation goes on, and every session ends.

use serde_json::json;

use super::session::EndReason;
use super::store;
use crate::audit::{self, Action, Actor, Entry};
use crate::db::{Connection, DbError};
use crate::keys::DerivedKeys;
use crate::revocations::{self, NewRevocation};

/// Ends every session that stands, and says how many those were. Access tokens are refused by their generation, whatever
/// session they are of.
///
/// Nobody makes or refreshes a session meanwhile: the table is locked, so that none is left out that was begun with what
/// no longer counts.
///
/// # Errors
///
/// When PostgreSQL is away, or there are more sessions than can be ended within a minute.
pub async fn end_everybody(
    connection: &mut Connection,
    audit_keys: &DerivedKeys,
    issuer: &str,
) -> Result<u64, DbError> {
    let tx = connection.begin().await?;
    store::lock_all(&tx).await?;
    let generation = store::advance_deployment(&tx).await?;
    let ended = store::end_everybody(&tx, EndReason::Admin).await?;
    revocations::record(&tx, issuer, &[NewRevocation::everything(generation)]).await?;
    let entry = Entry::new(Action::EverybodySignedOut, issuer, json!({ "sessions": ended }));
    audit::record(&tx, audit_keys, &Actor::command(), entry).await?;
    tx.commit().await?;
    Ok(ended)
}
