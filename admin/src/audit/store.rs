//! All SQL about the audit log.

use jiff::Timestamp;
use tokio_postgres::Row as SqlRow;
use uuid::Uuid;

use super::list::Filter;
use super::seal::{Row, Seal};
use crate::db::{Connection, DbError, Transaction};

/// Where the chain ends, and the moment of the next row.
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) seal: Seal,
    pub(super) now: Timestamp,
}

/// A row with its seal, as it was found.
pub(super) struct Sealed {
    pub(super) row: Row,
    pub(super) key: u8,
    pub(super) seal: Vec<u8>,
}

/// The end of the chain, held alone until the transaction ends. Never a moment before the row before: the
/// clock may have been read before the lock was had.
pub(super) async fn lock_head(tx: &Transaction<'_>) -> Result<Head, DbError> {
    let sql = "select seq, seal, greatest(clock_timestamp(), occurred_at) as now
               from auth.audit_head for update";
    let statement = tx.prepare_cached(sql).await?;
    let row = tx.query_one(&statement, &[]).await?;
    Ok(Head { seq: row.try_get("seq")?, seal: seal(&row)?, now: row.try_get("now")? })
}

/// The end of the chain as it is now.
pub(super) async fn head(connection: &Connection) -> Result<(i64, Seal), DbError> {
    let row = connection.query_one("select seq, seal from auth.audit_head", &[]).await?;
    Ok((row.try_get("seq")?, seal(&row)?))
}

/// Adds a row, which is the end of the chain from now on.
pub(super) async fn append(tx: &Transaction<'_>, row: &Row, key: u8, seal: &Seal) -> Result<(), DbError> {
    let sql = "with appended as (
                   insert into auth.audit_log (seq, occurred_at, actor_kind, actor_id, action, target_kind,
                       target_id, detail, address, request_id, seal_key, seal)
                   values ($1, $2, $3, $4, $5, $6, $7, ($8::text)::json, $9, $10, $11, $12)
               )
               update auth.audit_head set seq = $1, occurred_at = $2, seal = $12";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(
        &statement,
        &[
            &row.seq,
            &row.occurred_at,
            &row.actor_kind,
            &row.actor_id,
            &row.action,
            &row.target_kind,
            &row.target_id,
            &row.detail,
            &row.address,
            &row.request_id,
            &i16::from(key),
            &seal.as_slice(),
        ],
    )
    .await?;
    Ok(())
}

/// Rows after `after`, in order.
pub(super) async fn rows(connection: &Connection, after: i64, limit: i64) -> Result<Vec<Sealed>, DbError> {
    let sql = "select seq, occurred_at, actor_kind, actor_id, action, target_kind, target_id,
                   detail::text as detail, address, request_id, seal_key, seal
               from auth.audit_log where seq > $1 order by seq limit $2";
    let statement = connection.prepare_cached(sql).await?;
    let rows = connection.query(&statement, &[&after, &limit]).await?;
    rows.iter()
        .map(|found| {
            Ok(Sealed {
                row: row(found)?,
                // A `check` keeps it within a byte.
                key: u8::try_from(found.try_get::<_, i16>("seal_key")?).unwrap_or(0),
                seal: found.try_get("seal")?,
            })
        })
        .collect()
}

/// Up to `limit` rows that fit `filter`, the latest first, beginning before `before`.
pub(super) async fn page(
    connection: &Connection,
    filter: &Filter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Row>, DbError> {
    let sql = "select seq, occurred_at, actor_kind, actor_id, action, target_kind, target_id,
                   detail::text as detail, address, request_id
               from auth.audit_log
               where ($1::uuid is null or actor_id = $1) and ($2::text is null or action = $2)
                 and ($3::text is null or target_id = $3) and ($4::bigint is null or seq < $4)
               order by seq desc limit $5";
    let statement = connection.prepare_cached(sql).await?;
    let actor: Option<Uuid> = filter.actor;
    let rows =
        connection.query(&statement, &[&actor, &filter.action, &filter.target, &before, &limit]).await?;
    rows.iter().map(row).collect()
}

fn row(row: &SqlRow) -> Result<Row, DbError> {
    Ok(Row {
        seq: row.try_get("seq")?,
        occurred_at: row.try_get("occurred_at")?,
        actor_kind: row.try_get("actor_kind")?,
        actor_id: row.try_get("actor_id")?,
        action: row.try_get("action")?,
        target_kind: row.try_get("target_kind")?,
        target_id: row.try_get("target_id")?,
        detail: row.try_get("detail")?,
        address: row.try_get("address")?,
        request_id: row.try_get("request_id")?,
    })
}

fn seal(row: &SqlRow) -> Result<Seal, DbError> {
    let bytes: &[u8] = row.try_get("seal")?;
    Ok(Seal::try_from(bytes).expect("the table allows 32 bytes alone"))
}
