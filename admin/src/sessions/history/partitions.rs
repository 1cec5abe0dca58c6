//! Creates partitions for this month and the next three, and moves matching rows out of the default
//! partition.

mod store;

use std::time::Duration;

use jiff::civil::Date;

use crate::calendar::Month;
use crate::context::Context;
use crate::db::{Connection, DbError};

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
                tracing::warn!(%error, "Login-history partition maintenance failed; retrying in 10 s.");
                SOON
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn keep_today(context: &Context) -> Result<(), DbError> {
    let mut connection = context.db.get().await?;
    let today = store::today(&connection).await?;
    let ahead = keep(&mut connection, today).await?;
    context.metrics.partitions_ahead.set(Month::of(today), ahead);
    Ok(())
}

/// Creates missing partitions as of `today`, and returns how many consecutive months have one, counting from
/// this month.
///
/// # Errors
///
/// When PostgreSQL is unavailable, or the default partition stays locked. Partitions created before remain.
pub async fn keep(connection: &mut Connection, today: Date) -> Result<usize, DbError> {
    let this_month = Month::of(today);
    for month in (0..=AHEAD).map(|months| this_month.plus(months)) {
        if !store::existing(connection).await?.contains(&store::partition(month)) {
            let tx = connection.begin().await?;
            store::create(&tx, month).await?;
            tx.commit().await?;
        }
    }
    let existing = store::existing(connection).await?;
    // No database has so many partitions that the count overflows.
    let months = (0..=existing.len()).map(|months| this_month.plus(months));
    Ok(months.take_while(|month| existing.contains(&store::partition(*month))).count())
}
