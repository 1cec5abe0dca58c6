//! Time as a parameter, so that tests own it.

use std::time::{Duration, UNIX_EPOCH};

/// The wall clock, in whole seconds since 1970-01-01T00:00:00Z.
///
/// Whole seconds, because JWT times are whole seconds (RFC 7519, `NumericDate`) and nothing here needs more.
pub trait Clock: Send + Sync + 'static {
    /// Seconds since the Unix epoch.
    fn unix_seconds(&self) -> u64;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_seconds(&self) -> u64 {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
        let now = std::time::SystemTime::now();
        // A machine set before 1970 would otherwise look like the far future; zero expires nothing and
        // is refused by every check of an issue time.
        now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
    }
}

/// Any function that returns the time is a clock, so that a test can pass one that it controls.
impl<F: Fn() -> u64 + Send + Sync + 'static> Clock for F {
    fn unix_seconds(&self) -> u64 {
        self()
    }
}
