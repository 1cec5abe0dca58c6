//! Randomness and new identifiers as a parameter, so that tests can control them.

use uuid::Uuid;

/// A source of both.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes` with unpredictable randomness.
    ///
    /// # Errors
    ///
    /// When the operating system provides none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;

    /// A new identifier: a UUID of version 7, so that identifiers sort by creation time.
    fn id(&self) -> Uuid;
}

/// The random number generator of the operating system failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the OS random number generator failed")]
pub struct NoRandomness;

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the only place that calls the OS random number \
            generator"
        )]
        aws_lc_rs::rand::fill(bytes).map_err(|_| NoRandomness)
    }

    fn id(&self) -> Uuid {
        #[expect(clippy::disallowed_methods, reason = "the only place that creates identifiers")]
        Uuid::now_v7()
    }
}
