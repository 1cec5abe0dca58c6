//! PostgreSQL's clock.

use super::{Connection, DbError};

/// The time by PostgreSQL's clock.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn now(connection: &Connection) -> Result<jiff::Timestamp, DbError> {
    Ok(connection.query_one("select clock_timestamp() as now", &[]).await?.try_get("now")?)
}
