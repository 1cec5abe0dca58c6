//! What counts attempts: the interface of Redis and of the table of this process.

use super::attempt::Charge;
use crate::limits::Bucket;

/// The outcome of counting an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CountVerdict {
    /// It was counted in these places.
    Reserved {
        /// Where.
        taken: Vec<Taken>,
        /// Whether its address is past a limit.
        is_slow: bool,
    },
    /// It was counted nowhere.
    Refused {
        /// The bucket without room that has room last.
        bucket: Bucket,
        /// After how many seconds there is room in all of them.
        wait: u64,
        /// Whether the attempt may be counted as that of a less known client.
        may_downgrade: bool,
    },
}

/// A counted attempt: the window and the slot, so that it is taken back where it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// The bucket.
    pub(super) bucket: Bucket,
    /// The number of the window.
    pub(super) window: u64,
    /// The slot.
    pub(super) slot: u32,
}

/// Counts attempts, each in all of its buckets or in none.
pub(super) trait Counters {
    /// Why it failed.
    type Error;

    /// Counts an attempt at the second `now`.
    ///
    /// The caller says which second it is, so that one clock rules all tables and tests can choose the time. A service
    /// whose clock is wrong by more than a window counts apart from the others.
    async fn reserve(&self, charges: &[Charge], now: u64) -> Result<CountVerdict, Self::Error>;

    /// Takes an attempt back.
    async fn give_back(&self, taken: &[Taken]) -> Result<(), Self::Error>;
}
