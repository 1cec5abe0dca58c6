//! Passwords: normalisation, strength and hashes.
//!
//! A low module, because the context holds the hashing threads; independent of users.

mod argon;
mod dictionary;
mod hasher;
mod judge;
mod keyboard_layout;
#[cfg(test)]
mod lists;
mod padding;
mod params;
mod party;
mod password;
mod queue;
mod queue_metrics;
mod reading;
mod reason;
mod russian;
mod scheme;
mod transliteration;
mod werkzeug;
mod workers;

use std::time::Duration;

pub use argon::{HashError, PasswordHash, PasswordMatch};
pub use hasher::{HashSlot, Hasher, HasherMetrics, MOST_WAITING, time_hashes};
pub(crate) use keyboard_layout::in_english as in_english_layout;
pub use params::{HashParams, InvalidParams};
pub use party::{Party, StrangerOrigin};
pub use password::{Password, Weakness};
pub use queue::{Lane, QueueStatus};
pub use queue_metrics::{LaneLabels, QueueMetrics};
pub use werkzeug::{InvalidOldHash, OldHash};

/// How passwords are hashed, and how long they may wait for it.
#[derive(Debug, Clone, Copy)]
pub struct HashConfig {
    /// The number of hashing threads.
    pub threads: usize,
    /// The longest estimated wait for a thread; what would wait longer is refused as `overloaded`.
    pub wait: Duration,
    /// The cost of a new hash.
    pub params: HashParams,
}
