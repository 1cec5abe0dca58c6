//! Creates partitions for this month and the next three, and moves matching rows out of the default
//! partition.

use std::collections::HashSet;
use std::time::Duration;

use jiff::civil::Date;

use super::calendar::Month;
use crate::context::Context;
use crate::db::{Connection, DbError, Transaction};

/// Advisory lock held while a partition is created: every replica runs this task.
const LOCK: i64 = 0x0075_7368_6572_0010;

const DAY: Duration = Duration::from_hours(24);
/// The pause after a failure. Partitions exist three months ahead, so there is time; but a service that has
/// just started is not ready without them.
const SOON: Duration = Duration::from_secs(10);

/// Maintains the partitions now and then daily, for ever. Run it beside the service and drop it with the
/// service.
pub async fn keep_daily(context: Context) {
    loop {
        let pause = match keep_today(&context).await {
            Ok(()) => DAY,
            Err(error) => {
                tracing::warn!(%error, "Login-history partition maintenance failed; retrying in 10 s.");
                SOON
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn keep_today(context: &Context) -> Result<(), DbError> {
    let mut connection = context.db.get().await?;
    let today = "select (clock_timestamp() at time zone 'UTC')::date as today";
    let today: Date = connection.query_one(today, &[]).await?.try_get("today")?;
    let ahead = keep(&mut connection, today).await?;
    context.metrics.partitions_ahead.set(today, ahead);
    Ok(())
}

/// Creates missing partitions as of `today`, and returns how many consecutive months have one, counting from
/// this month.
///
/// # Errors
///
/// When PostgreSQL is unavailable, or the default partition stays locked. Partitions created before remain.
pub async fn keep(connection: &mut Connection, today: Date) -> Result<usize, DbError> {
    for month in Month::of(today).with_those_ahead() {
        if !existing(connection).await?.contains(&month.partition()) {
            let tx = connection.begin().await?;
            make(&tx, month).await?;
            tx.commit().await?;
        }
    }
    let existing = existing(connection).await?;
    let months = std::iter::successors(Some(Month::of(today)), |month| Some(month.next()));
    // No database has so many partitions that the count overflows.
    Ok(months.take(existing.len() + 1).take_while(|month| existing.contains(&month.partition())).count())
}

async fn existing(connection: &Connection) -> Result<HashSet<String>, DbError> {
    let sql = "select child.relname::text as name
               from pg_catalog.pg_inherits i join pg_catalog.pg_class child on child.oid = i.inhrelid
               where i.inhparent = 'auth.login_history'::regclass";
    let rows = connection.query(sql, &[]).await?;
    rows.iter().map(|row| row.try_get("name").map_err(DbError::from)).collect()
}

/// Creates a partition as a separate table, fills it with the rows of its month from the default partition,
/// and attaches it. Attaching blocks no insert into another month; the default partition is locked meanwhile,
/// so that no further row of the month enters it.
async fn make(tx: &Transaction<'_>, month: Month) -> Result<(), DbError> {
    tx.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let name = month.partition();
    let exists = tx.query_one("select to_regclass('auth.' || $1) is not null as made", &[&name]).await?;
    if exists.try_get("made")? {
        return Ok(());
    }
    let (from, to) = month.bounds();
    tx.batch_execute(&format!(
        "set local lock_timeout = '5s';
         lock table auth.login_history_default in access exclusive mode;
         create table auth.{name} (like auth.login_history including all);
         comment on table auth.{name} is 'The login history from {from} until {to}.';
         with moved as (
             delete from auth.login_history_default
             where occurred_at >= '{from}' and occurred_at < '{to}' returning *
         )
         insert into auth.{name} select * from moved;
         alter table auth.login_history attach partition auth.{name} for values from ('{from}') to ('{to}');"
    ))
    .await?;
    tracing::info!(partition = name, "Login-history partition created.");
    Ok(())
}
