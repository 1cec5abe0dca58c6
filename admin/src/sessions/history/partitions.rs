//! Keeps a partition for this month and the three after it, and empties the default one into them.

use std::collections::HashSet;
use std::time::Duration;

use jiff::civil::Date;

use super::calendar::Month;
use crate::context::Context;
use crate::db::{Connection, DbError, Transaction};

/// Held while a partition is made: every replica keeps them.
const LOCK: i64 = 0x0075_7368_6572_0010;

const DAY: Duration = Duration::from_hours(24);
/// After a failure: three months ahead leave time, but a service that just started is not ready without them.
const SOON: Duration = Duration::from_secs(10);

/// Keeps the partitions for ever: now, and then daily. To be run beside the service, and dropped with it.
pub async fn keep_daily(context: Context) {
    loop {
        let pause = match keep_today(&context).await {
            Ok(()) => DAY,
            Err(error) => {
                tracing::warn!(%error, "The months of the login history were not looked after; again in ten seconds.");
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

/// Makes what is missing as of `today`, and says how many months have a partition, from this one on without
/// a gap.
///
/// # Errors
///
/// When PostgreSQL is away, or the default partition stays locked. What was made before stays.
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
    // The calendar ends, and with it the months; no database has that many partitions.
    Ok(months.take(existing.len() + 1).take_while(|month| existing.contains(&month.partition())).count())
}

async fn existing(connection: &Connection) -> Result<HashSet<String>, DbError> {
    let sql = "select child.relname::text as name
               from pg_catalog.pg_inherits i join pg_catalog.pg_class child on child.oid = i.inhrelid
               where i.inhparent = 'auth.login_history'::regclass";
    let rows = connection.query(sql, &[]).await?;
    rows.iter().map(|row| row.try_get("name").map_err(DbError::from)).collect()
}

/// Makes one partition as a table apart, fills it with what the default partition holds of its month, and
/// attaches it. Attaching holds up no insert into another month; the default partition is locked meanwhile,
/// so that no row of the month slips in behind.
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
    tracing::info!(partition = name, "A month of the login history has its partition.");
    Ok(())
}
