//! Waits for a condition, with a time limit.

use std::time::Duration;

use tokio::time::Instant;

use crate::Error;

/// How often a condition is checked.
const TICK: Duration = Duration::from_millis(5);

/// Waits until `condition` is true; checks it every 5 ms.
///
/// # Errors
///
/// [`Error::TooLong`], which contains `what`, if it is not true within `limit`.
pub async fn until(what: &str, limit: Duration, condition: impl AsyncFn() -> bool) -> Result<(), Error> {
    let end = Instant::now() + limit;
    while !condition().await {
        if Instant::now() > end {
            return Err(Error::TooLong { what: what.to_owned(), limit, log: String::new() });
        }
        tick().await;
    }
    Ok(())
}

/// The pause between two checks, for a condition that needs more than [`until`].
pub async fn tick() {
    tokio::time::sleep(TICK).await;
}
