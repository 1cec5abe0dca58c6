//! The order of requests of one session, or of one user, before they take a connection to PostgreSQL.
//!
//! They would wait for each other at the row of the session or of the user all the same, each with a connection, and so keep
//! these from all others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// The places of each session, or of each user.
#[derive(Debug)]
pub struct OwnPlaces {
    each: usize,
    known: Mutex<HashMap<Uuid, Weak<Semaphore>>>,
}

impl OwnPlaces {
    /// `each` gets this many places.
    pub fn new(each: usize) -> Self {
        Self { each, known: Mutex::default() }
    }

    /// Waits for a place of `owner`, in the order of the calls.
    pub async fn take(&self, owner: Uuid) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.of(owner).acquire_owned().await.ok()
    }

    /// No owner is kept without a request: so there are no more than requests in progress, and as many that are over.
    fn of(&self, owner: Uuid) -> Arc<Semaphore> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = known.get(&owner).and_then(Weak::upgrade) {
            return semaphore;
        }
        if known.len() == known.capacity() {
            known.retain(|_, semaphore| semaphore.strong_count() > 0);
        }
        let semaphore = Arc::new(Semaphore::new(self.each));
        known.insert(owner, Arc::downgrade(&semaphore));
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn each_has_places_of_its_own_and_what_is_over_is_forgotten() {
        let places = OwnPlaces::new(1);
        let taken = places.take(Uuid::from_u128(1)).now_or_never().flatten();
        assert!(taken.is_some());
        assert!(places.take(Uuid::from_u128(1)).now_or_never().is_none(), "the next one waits");
        for other in 2..10_000 {
            assert!(places.take(Uuid::from_u128(other)).now_or_never().flatten().is_some());
        }
        assert!(places.known.lock().unwrap().capacity() < 100);
        drop(taken);
        assert!(places.take(Uuid::from_u128(1)).now_or_never().flatten().is_some());
    }
}
