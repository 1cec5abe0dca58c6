//! How many requests are worked on, and when none is any more.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many requests are worked on at once. More than the pool and the hash threads can serve, few enough
/// that each still ends in time; the rest is refused at once instead of waiting to be refused.
pub(super) const MAX_AT_ONCE: usize = 512;

/// The requests that are worked on. Cheap to clone.
#[derive(Clone)]
pub struct UnderWay(Arc<Semaphore>);

/// Held by a request that is worked on.
pub(super) type Turn = OwnedSemaphorePermit;

impl Default for UnderWay {
    /// None.
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_AT_ONCE)))
    }
}

impl UnderWay {
    /// `None` when there are too many already.
    pub(super) fn take_turn(&self) -> Option<Turn> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }

    /// Waits until none is worked on. One that begins meanwhile is waited for as well, or refused.
    pub async fn end(&self) {
        // A semaphore that is never closed always gives in the end.
        let _all = self.0.acquire_many(u32::try_from(MAX_AT_ONCE).unwrap_or(u32::MAX)).await;
    }
}
