//! Randomness and new identifiers as a parameter, so that a test can own them.

use uuid::Uuid;

/// A source of both.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes` with randomness that nobody can guess.
    ///
    /// # Errors
    ///
    /// When the operating system provides none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;

    /// A new identifier: a UUID of version 7, so that identifiers sort by the time they were made.
    fn id(&self) -> Uuid;
}

/// The operating system provided no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system provided no randomness")]
pub struct NoRandomness;

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
        aws_lc_rs::rand::fill(bytes).map_err(|_| NoRandomness)
    }

    fn id(&self) -> Uuid {
        #[expect(clippy::disallowed_methods, reason = "the one place that makes identifiers")]
        Uuid::now_v7()
    }
}
