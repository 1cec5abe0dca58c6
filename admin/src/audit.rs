//! The audit log, tamper-evident: who did what to which object, when, from where, and in which request.
//!
//! Each row is sealed with an HMAC over the previous row's seal and its own content. The key is derived from
//! the master keys, so that an attacker who can only write to the database cannot repair the chain after
//! changing a row. The chain alone cannot show that its newest rows were removed together with the stored
//! end: `admin audit verify` prints the end of the chain, and accepts such a position to check a later chain
//! against.
//!
//! A row is written in the transaction of the action that it records, as its last statement: all writers lock
//! the row that holds the end of the chain.

mod entry;
pub mod list;
mod personal;
mod retention;
mod seal;
mod store;
mod verify;

use crate::actor::{Actor, ActorKind};
use crate::context::Core;
use crate::db::{DbError, Transaction};
use crate::keys::DerivedKeys;

pub use entry::{AuditAction, AuditEntry, Target};
pub(crate) use retention::{drop_old, erase};
pub use seal::{ChainPosition, NotAChainPosition};
pub use verify::{Broken, Chain, VerifyError, verify};

/// Records `entry`, permanently when `tx` commits. Must be the last statement of the transaction: all other
/// writers wait until it ends.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn record(
    tx: &Transaction<'_>,
    keys: &DerivedKeys,
    actor: &Actor,
    entry: AuditEntry,
) -> Result<(), DbError> {
    record_all(tx, keys, actor, vec![entry]).await
}

/// Records what a caller or a command read, or a caller tried, in a transaction of its own: one entry for each actor, action and
/// target an hour, so that repeating it grows nothing.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn record_once(core: &Core, actor: &Actor, entry: AuditEntry) -> Result<(), DbError> {
    if actor.user().is_none() && actor.kind() != ActorKind::Command {
        return Ok(());
    }
    let mut connection = core.db.get().await?;
    if store::is_noted(&*connection, actor, entry.action(), entry.target()).await? {
        return Ok(());
    }
    let tx = connection.begin().await?;
    // Requests at the same time wait here for the first of them.
    store::lock_head(&tx).await?;
    if store::is_noted(&*tx, actor, entry.action(), entry.target()).await? {
        return tx.rollback().await;
    }
    record(&tx, &core.audit_keys, actor, entry).await?;
    tx.commit().await
}

/// As [`record`], for several entries in order.
///
/// # Errors
///
/// When PostgreSQL is unavailable, or the log was continued with a master key that is not configured here.
pub async fn record_all(
    tx: &Transaction<'_>,
    keys: &DerivedKeys,
    actor: &Actor,
    entries: Vec<AuditEntry>,
) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    let head = store::lock_head(tx).await?;
    // An admin that was not restarted yet after a change of the master key.
    if let Some(key) = head.key.filter(|key| keys.find(*key).is_none()) {
        return Err(DbError::AuditKeyMissing(key));
    }
    let (mut seq, mut before) = (head.seq, head.seal);
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        seq = seq.saturating_add(1);
        let row = entry.row(seq, head.now, actor).committed(&head.entropy);
        let (key, seal) = seal::seal(keys, &before, &row);
        before = seal;
        rows.push((row, key, seal));
    }
    store::append(tx, &rows).await
}
