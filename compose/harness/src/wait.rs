//! Waits for a condition, with a time limit.

use std::time::Duration;

use tokio::time::Instant;

use crate::Error;

/// The pause after a condition was checked for the first time.
const FIRST: Duration = Duration::from_millis(2);
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(50);

/// The pauses between the checks of a condition, each half as long again as the one before: what is soon true is soon noticed,
/// and what takes long is not slowed down by those who wait for it.
#[derive(Debug)]
pub struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Pauses {
    /// The next pause.
    pub async fn pause(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 3 / 2).min(LONGEST);
    }
}

/// Waits until `condition` is true.
///
/// # Errors
///
/// [`Error::TooLong`], which contains `what`, if it is not true within `limit`.
pub async fn until(what: &str, limit: Duration, condition: impl AsyncFn() -> bool) -> Result<(), Error> {
    let (end, mut pauses) = (Instant::now() + limit, Pauses::default());
    while !condition().await {
        if Instant::now() > end {
            return Err(Error::TooLong { what: what.to_owned(), limit, log: String::new() });
        }
        pauses.pause().await;
    }
    Ok(())
}
