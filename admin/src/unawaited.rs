//! Work that no response waits for, in a bounded number of tasks.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most tasks at a time. Each waits for a connection of the pool, so more would only wait longer.
const MOST: u32 = 256;

/// The places of these tasks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Unawaited(Arc<Semaphore>);

impl Default for Unawaited {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST as usize)))
    }
}

impl Unawaited {
    /// A place, to be held until the work is done; `None` while all are taken.
    pub(crate) fn take_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }

    /// Waits until the work that has begun is done.
    pub async fn end(&self) {
        // Acquiring fails only for a closed semaphore, and this one is never closed.
        let _all = self.0.acquire_many(MOST).await;
    }
}
