//! Deletes links that expired.

use std::time::Duration;

use super::store;
use crate::context::Context;

const DAY: Duration = Duration::from_hours(24);
/// The pause after a failure, and between two parts of much work.
const SOON: Duration = Duration::from_secs(10);

/// Deletes them now and then daily, for ever. Several services may do so at the same time.
pub async fn keep_daily(context: Context) {
    loop {
        let deleted = match context.db.get().await {
            Ok(connection) => store::delete_old(&connection).await,
            Err(error) => Err(error),
        };
        let pause = match deleted {
            Ok(0) => DAY,
            Ok(_) => SOON,
            Err(error) => {
                tracing::warn!(%error, "Expired links were not deleted; retrying in 10 s.");
                SOON
            }
        };
        tokio::time::sleep(pause).await;
    }
}
