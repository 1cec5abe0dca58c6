//! Tables with a partition for each month: creates partitions ahead, moves rows out of the default partition, and finds
//! the partitions that are old.

mod store;
mod table;

use std::time::Duration;

use jiff::civil::Date;

use crate::calendar::Month;
use crate::context::Context;
use crate::db::{Connection, DbError};
use crate::purge::PurgeError;

pub(crate) use store::{Expired, drop_partition, lock, oldest_expired};
pub use table::{AUDIT_LOG, LOGIN_HISTORY, MonthlyTable};

/// How many months beyond the current one have a partition.
const AHEAD: usize = 3;

const DAY: Duration = Duration::from_hours(24);
/// The pause after a failure. Partitions exist three months ahead, so there is time; but a service that has
/// just started is not ready without them.
const SOON: Duration = Duration::from_secs(10);

/// Maintains the partitions now and then daily, without end. Run it beside the service and drop it with the
/// service.
pub async fn keep_daily(context: Context) {
    loop {
        let pause = match keep_today(&context).await {
            Ok(()) => DAY,
            Err(error) => {
                tracing::warn!(%error, "Partition maintenance failed; retrying in 10 s.");
                SOON
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn keep_today(context: &Context) -> Result<(), DbError> {
    let mut connection = context.db.get().await?;
    let today = store::today(&connection).await?;
    let (history, audit) = (&context.metrics.partitions_ahead, &context.metrics.audit_partitions_ahead);
    for (table, metric) in [(LOGIN_HISTORY, history), (AUDIT_LOG, audit)] {
        let ahead = keep(&mut connection, table, today).await?;
        metric.set(Month::of(today), ahead);
    }
    Ok(())
}

/// Creates missing partitions as of `today`: of this month and those ahead, and of months that are over and have rows in
/// the default partition. Returns how many consecutive months have one, counting from this month.
///
/// # Errors
///
/// When PostgreSQL is unavailable, or the default partition stays locked. Partitions created before remain.
pub async fn keep(connection: &mut Connection, table: MonthlyTable, today: Date) -> Result<usize, DbError> {
    let this_month = Month::of(today);
    let strayed = store::months_of_default(connection, table, this_month).await?;
    let ahead = (0..=AHEAD).map(|months| this_month.plus(months));
    for month in strayed.into_iter().chain(ahead) {
        if !store::existing(connection, table).await?.contains(&store::partition(table, month)) {
            let tx = connection.begin().await?;
            store::create(&tx, table, month).await?;
            tx.commit().await?;
        }
    }
    count_ahead(connection, table, this_month).await
}

/// How many consecutive months have a partition, counting from this month.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn ahead(connection: &Connection, table: MonthlyTable) -> Result<usize, DbError> {
    let today = store::today(connection).await?;
    count_ahead(connection, table, Month::of(today)).await
}

async fn count_ahead(
    connection: &Connection,
    table: MonthlyTable,
    this_month: Month,
) -> Result<usize, DbError> {
    let existing = store::existing(connection, table).await?;
    // No database has so many partitions that the count overflows.
    let months = (0..=existing.len()).map(|months| this_month.plus(months));
    Ok(months.take_while(|month| existing.contains(&store::partition(table, *month))).count())
}

/// Drops the oldest month of the login history if it is older than the retention. Returns how many it dropped.
///
/// # Errors
///
/// When PostgreSQL is unavailable, or the table stays locked.
pub(crate) async fn drop_history(context: &Context) -> Result<u64, PurgeError> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    lock(&tx, LOGIN_HISTORY).await?;
    let days = context.config.retention.history_days();
    let Some(old) = oldest_expired(&tx, LOGIN_HISTORY, days).await? else { return Ok(0) };
    drop_partition(&tx, LOGIN_HISTORY, &old).await?;
    tx.commit().await?;
    tracing::info!(
        partition = old.name(),
        "A month of the login history was dropped: its retention is over."
    );
    Ok(1)
}
