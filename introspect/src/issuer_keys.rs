//! The issuer's current public keys, read without a lock.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use shared::token::KeySet;
use tokio::sync::Notify;

/// The current keys.
#[derive(Default)]
pub struct IssuerKeys {
    current: ArcSwap<KeyGeneration>,
    unknown: Notify,
}

/// A set of keys, and its number: a token that was verified with another set is verified again.
#[derive(Default)]
pub struct KeyGeneration {
    /// The keys.
    pub set: KeySet,
    /// Grows whenever the set changes.
    pub generation: u64,
}

impl KeyGeneration {
    /// Whether there is a set. A set stays in use while no other can be fetched.
    pub const fn are_known(&self) -> bool {
        self.generation > 0
    }
}

impl IssuerKeys {
    /// The current keys, for one decision.
    pub fn current(&self) -> Guard<Arc<KeyGeneration>> {
        self.current.load()
    }

    /// A token named an unknown key; perhaps the issuer has a new one.
    pub fn request_refresh(&self) {
        self.unknown.notify_one();
    }

    /// Completes when a token has named an unknown key.
    pub async fn refresh_requested(&self) {
        self.unknown.notified().await;
    }

    /// Replaces the set. Only one task may.
    pub fn install(&self, set: KeySet) {
        let generation = self.current.load().generation + 1;
        self.current.store(Arc::new(KeyGeneration { set, generation }));
    }
}
