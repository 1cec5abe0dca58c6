//! Removes the tags of addresses that users lost more than twelve months ago.

use std::time::Duration;

use super::store;
use crate::context::Context;
use crate::db::DbError;

const DAY: Duration = Duration::from_hours(24);
/// The pause after a failure, and between two parts of much work.
const SOON: Duration = Duration::from_secs(10);

/// Removes them now and then daily, for ever. Several services may do so at the same time.
pub(crate) async fn keep_daily(context: Context) {
    loop {
        let pause = match remove(&context).await {
            Ok(0) => DAY,
            Ok(_) => SOON,
            Err(error) => {
                tracing::warn!(%error, "Old former e-mail addresses were not removed; retrying in 10 s.");
                SOON
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn remove(context: &Context) -> Result<u64, DbError> {
    store::remove_old(&context.db.get().await?).await
}
