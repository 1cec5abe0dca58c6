//! The number of requests in progress, and waiting until there are none.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::passwords::MOST_WAITING;
use crate::turn::Turn;

/// The most requests in progress. More than the pool and the hashing threads can serve, few enough that each
/// still finishes in time; further requests are refused at once.
pub(super) const MAX_AT_ONCE: usize = 512;

// A flood of passwords leaves room for other requests. Failures that wait have given their place back.
const _: () = assert!(MOST_WAITING + 64 <= MAX_AT_ONCE);

/// The requests in progress. Cheap to clone.
#[derive(Clone)]
pub struct UnderWay(Arc<Semaphore>);

impl Default for UnderWay {
    /// None.
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_AT_ONCE)))
    }
}

impl UnderWay {
    /// `None` when the limit is reached.
    pub(super) fn take_turn(&self) -> Option<Turn> {
        Arc::clone(&self.0).try_acquire_owned().ok().map(Turn::new)
    }

    /// Waits until none is in progress. A request that begins meanwhile is also waited for, or refused.
    pub async fn end(&self) {
        // Acquiring fails only for a closed semaphore, and this one is never closed.
        let _all = self.0.acquire_many(u32::try_from(MAX_AT_ONCE).unwrap_or(u32::MAX)).await;
    }
}
