//! Deletes the rows of mails whose codes and links have expired.

use std::time::Duration;

use super::store;
use crate::context::Context;

/// The pause when there is nothing more to delete. The rows are bounded in number, so they must not stay for long.
const PAUSE: Duration = Duration::from_mins(5);
/// The pause after a failure, and between two parts of much work.
const SOON: Duration = Duration::from_secs(10);

/// Deletes them now and then, for ever. Several services may do so at the same time.
pub async fn keep(context: Context) {
    loop {
        let deleted = match context.db.get().await {
            Ok(connection) => store::delete_old(&connection).await,
            Err(error) => Err(error),
        };
        let pause = match deleted {
            Ok(0) => PAUSE,
            Ok(_) => SOON,
            Err(error) => {
                tracing::warn!(%error, "Expired proofs of addresses were not deleted; retrying in 10 s.");
                SOON
            }
        };
        tokio::time::sleep(pause).await;
    }
}
