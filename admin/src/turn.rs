//! The place of a request among those in progress, of which there is a limited number.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

/// A place. Cheap to clone: it becomes free when one of its holders gives it back, or the last one is dropped.
#[derive(Debug, Clone)]
pub struct Turn(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Turn {
    /// A place that `permit` stands for.
    pub(crate) fn new(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Mutex::new(Some(permit))))
    }

    /// The request no longer needs anything but time: another one can have the place.
    pub(crate) fn give_back(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
