//! Deletes notices and mails that are of no use any more.

use std::time::Duration;

use super::store;
use crate::context::Context;
use crate::db::DbError;
use crate::mail;

const DAY: Duration = Duration::from_hours(24);
/// The pause after a failure, and between two parts of much work.
const SOON: Duration = Duration::from_secs(10);

/// Deletes them now and then daily, for ever. Several services may do so at the same time.
pub async fn keep_daily(context: Context) {
    loop {
        let pause = match delete(&context).await {
            Ok(0) => DAY,
            Ok(_) => SOON,
            Err(error) => {
                tracing::warn!(%error, "Old notices and mails were not deleted; retrying in 10 s.");
                SOON
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn delete(context: &Context) -> Result<u64, DbError> {
    let notices = store::delete_old(&context.db.get().await?).await?;
    Ok(notices + mail::delete_old(&context.db).await?)
}
