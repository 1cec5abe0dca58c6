//! The SQL of all purges together: whose turn a batch is, and when each was complete.

use std::time::Duration;

use jiff::Timestamp;

use crate::db::{Connection, DbError, Transaction};
use crate::purge::{Batch, Purge};

/// The class of the advisory locks of purges; the other half of a lock is the hash of the name.
const LOCKS: i32 = 0x7573_6801;

/// When a purge was complete.
pub(super) struct Run {
    pub(super) name: String,
    pub(super) finished_at: Timestamp,
    /// How long ago that was, by the clock of PostgreSQL.
    pub(super) age: Duration,
}

/// What follows a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NextBatch {
    /// Nothing: another admin runs this purge, or has completed it.
    OfAnother,
    /// Nothing: all is done.
    Last,
    /// Another batch, after this place.
    Further(String),
}

pub(super) async fn runs(connection: &Connection) -> Result<Vec<Run>, DbError> {
    let sql = "select name, finished_at,
                   extract(epoch from clock_timestamp() - finished_at)::double precision as age
               from auth.purges";
    let statement = connection.prepare_cached(sql).await?;
    let rows = connection.query(&statement, &[]).await?;
    let run = |row: &tokio_postgres::Row| {
        let age: f64 = row.try_get("age")?;
        Ok(Run {
            name: row.try_get("name")?,
            finished_at: row.try_get("finished_at")?,
            age: Duration::try_from_secs_f64(age.max(0.0)).unwrap_or(Duration::MAX),
        })
    };
    rows.iter().map(run).collect()
}

/// Notes that a purge is complete, and returns when.
pub(super) async fn note_finished(connection: &Connection, name: &str) -> Result<Timestamp, DbError> {
    let sql = "insert into auth.purges (name, finished_at) values ($1, clock_timestamp())
               on conflict (name) do update set finished_at = excluded.finished_at returning finished_at";
    let statement = connection.prepare_cached(sql).await?;
    Ok(connection.query_one(&statement, &[&name]).await?.try_get("finished_at")?)
}

/// Runs one batch of at most `most` rows, and returns what follows, and how many rows were changed.
pub(super) async fn batch(
    tx: &Transaction<'_>,
    purge: &Purge,
    most: i64,
    days: i32,
    after: &str,
) -> Result<(NextBatch, u64), DbError> {
    if !is_our_turn(tx, purge).await? {
        return Ok((NextBatch::OfAnother, 0));
    }
    match purge.batch {
        Batch::Found(sql) => {
            let statement = tx.prepare_cached(sql).await?;
            let changed = tx.execute(&statement, &[&most, &days]).await?;
            Ok((if changed == 0 { NextBatch::Last } else { NextBatch::Further(after.to_owned()) }, changed))
        }
        Batch::Walked(sql) => {
            let statement = tx.prepare_cached(sql).await?;
            let row = tx.query_one(&statement, &[&most, &days, &after]).await?;
            let examined: i64 = row.try_get("examined")?;
            let changed = row.try_get::<_, i64>("changed")?.cast_unsigned();
            let last: Option<String> = row.try_get("last")?;
            Ok((last.filter(|_| examined == most).map_or(NextBatch::Last, NextBatch::Further), changed))
        }
    }
}

/// Takes the lock of the purge until the transaction ends. `false` when another admin has it, or has completed the purge
/// within the first half of the interval.
async fn is_our_turn(tx: &Transaction<'_>, purge: &Purge) -> Result<bool, DbError> {
    let sql = "select pg_try_advisory_xact_lock($1, hashtext($2))
                   and not exists (select from auth.purges
                                   where name = $2
                                     and finished_at > clock_timestamp() - $3::double precision * interval '1 second')
                   as is_ours";
    let statement = tx.prepare_cached(sql).await?;
    let recently = purge.every.as_secs_f64() / 2.0;
    Ok(tx.query_one(&statement, &[&LOCKS, &purge.name, &recently]).await?.try_get("is_ours")?)
}
