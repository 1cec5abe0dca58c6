//! The SQL of what leaves the audit log.

use uuid::Uuid;

use crate::audit::seal::{ChainPosition, SEAL_BYTES};
use crate::db::{Connection, DbError, Transaction};
use crate::partitions::Expired;

/// Where the chain begins after rows were dropped.
pub(in crate::audit) struct ChainStart {
    pub(in crate::audit) last_dropped: ChainPosition,
    /// The number of the master key behind the seal.
    pub(in crate::audit) key: u8,
    pub(in crate::audit) seal: Vec<u8>,
}

pub(super) async fn start(connection: &Connection) -> Result<Option<ChainStart>, DbError> {
    let sql = "select seq, seal, start_key, start_seal from auth.audit_starts order by seq desc limit 1";
    let Some(row) = connection.query_opt(sql, &[]).await? else { return Ok(None) };
    let seal: &[u8] = row.try_get("seal")?;
    Ok(Some(ChainStart {
        last_dropped: position(row.try_get("seq")?, seal),
        // A `check` constraint keeps it within one byte.
        key: u8::try_from(row.try_get::<_, i16>("start_key")?).unwrap_or(0),
        seal: row.try_get("start_seal")?,
    }))
}

/// The last row of a partition; `None` if it is empty.
pub(super) async fn last_of(tx: &Transaction<'_>, old: &Expired) -> Result<Option<ChainPosition>, DbError> {
    let sql = format!("select seq, seal from auth.{} order by seq desc limit 1", old.name());
    let Some(row) = tx.query_opt(&sql, &[]).await? else { return Ok(None) };
    let seal: &[u8] = row.try_get("seal")?;
    Ok(Some(position(row.try_get("seq")?, seal)))
}

/// Whether the rows up to `last` are those at the beginning of the chain, without a gap.
pub(super) async fn is_beginning(tx: &Transaction<'_>, last: i64) -> Result<bool, DbError> {
    let sql = "select (select count(*) from auth.audit_log where seq <= $1)
                   = $1 - coalesce((select max(seq) from auth.audit_starts), 0) as is_beginning";
    Ok(tx.query_one(sql, &[&last]).await?.try_get("is_beginning")?)
}

pub(super) async fn insert_start(
    tx: &Transaction<'_>,
    last: ChainPosition,
    key: u8,
    seal: &[u8; SEAL_BYTES],
) -> Result<(), DbError> {
    let sql = "insert into auth.audit_starts (seq, seal, start_key, start_seal) values ($1, $2, $3, $4)";
    tx.execute(sql, &[&last.seq, &last.seal.as_slice(), &i16::from(key), &seal.as_slice()]).await?;
    Ok(())
}

pub(super) async fn erase(tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
    let addresses = "update auth.audit_log set address = null, address_salt = null
                     where actor_id = $1 and format = 2 and address is not null";
    tx.execute(addresses, &[&user]).await?;
    let texts = "update auth.audit_log set texts = null, texts_salt = null
                 where target_id = $1 and target_kind = 'user' and format = 2 and texts is not null";
    tx.execute(texts, &[&user.to_string()]).await?;
    Ok(())
}

/// A `check` constraint allows only seals of 32 bytes.
fn position(seq: i64, seal: &[u8]) -> ChainPosition {
    ChainPosition { seq, seal: seal.try_into().unwrap_or([0; SEAL_BYTES]) }
}
