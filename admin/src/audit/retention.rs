//! What leaves the audit log: months whose retention is over, and the personal fields of users who are erased.

mod store;

use uuid::Uuid;

use super::seal::seal_start;
use crate::context::Context;
use crate::db::{Connection, DbError, Transaction};
use crate::partitions::{AUDIT_LOG, drop_partition, lock, oldest_expired};
use crate::purge::PurgeError;

pub(super) use store::ChainStart;

/// The beginning of the chain; `None` while no row was dropped.
pub(super) async fn start(connection: &Connection) -> Result<Option<ChainStart>, DbError> {
    store::start(connection).await
}

/// Drops the oldest month if its retention is over, and seals the new beginning of the chain. Returns how many it dropped.
///
/// # Errors
///
/// When rows are missing or not in their order: then nothing is dropped, so that `admin audit verify` shows it. When
/// PostgreSQL is unavailable, or the table stays locked.
pub(crate) async fn drop_old(context: &Context) -> Result<u64, PurgeError> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    lock(&tx, AUDIT_LOG).await?;
    let days = context.config.retention.audit_days();
    let Some(old) = oldest_expired(&tx, AUDIT_LOG, days).await? else { return Ok(0) };
    if let Some(last) = store::last_of(&tx, &old).await? {
        if !store::is_beginning(&tx, last.seq).await? {
            return Err(PurgeError::Refused(
                "the oldest month of the audit log has not its first rows; run `admin audit verify`",
            ));
        }
        let (key, seal) = seal_start(&context.audit_keys, last);
        store::insert_start(&tx, last, key, &seal).await?;
    }
    drop_partition(&tx, AUDIT_LOG, &old).await?;
    tx.commit().await?;
    tracing::info!(partition = old.name(), "A month of the audit log was dropped: its retention is over.");
    Ok(1)
}

/// Erases the addresses of what `user` did, and what others wrote about `user`. Identifiers stay, and the chain is still
/// verified. Rows of format 1 cannot be erased; they leave with their month.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn erase(tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
    store::erase(tx, user).await
}
