//! How often the relay looks, how much it moves at once, and how it takes its failures.

use std::time::Duration;

use tokio::time::Instant;

use super::Fall;

/// How often, and how much at once. Tests make it brisk.
#[derive(Debug, Clone)]
pub struct Pace {
    /// How long to wait for a notification before looking all the same.
    pub tick: Duration,
    /// How often a relay that does not lead asks for the lock.
    pub follow: Duration,
    /// How long to rest after a failure; twice as long after each further one.
    pub rest: Duration,
    /// The longest such rest.
    pub longest_rest: Duration,
    /// How long to rest after another relay was found to be ahead.
    pub yielding: Duration,
    /// The most rows that are moved at once.
    pub batch: i64,
    /// How often the log is trimmed and rows that ended are deleted.
    pub trim_every: Duration,
    /// How long a record stays in the log after its end.
    pub keep: Duration,
    /// Fewer records than this are not worth trimming.
    pub trim_at_least: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(200),
            follow: Duration::from_millis(250),
            rest: Duration::from_millis(50),
            longest_rest: Duration::from_secs(1),
            yielding: Duration::from_secs(5),
            batch: 2000,
            trim_every: Duration::from_secs(60),
            keep: Duration::from_mins(5),
            trim_at_least: 1000,
        }
    }
}

/// What a relay remembers of its falls: how many there were since it led, and when it last spoke of one.
#[derive(Debug, Default)]
pub(super) struct Falls {
    since_it_led: u32,
    spoke: Option<Instant>,
}

/// How long a relay that keeps failing is silent about it.
const SILENCE: Duration = Duration::from_secs(30);

impl Falls {
    /// Says what happened, if that is news, and returns how long to rest: twice as long each time.
    pub(super) fn rest_after(&mut self, fall: &Fall, led: bool, pace: &Pace) -> Duration {
        self.since_it_led = if led { 0 } else { self.since_it_led.saturating_add(1) };
        if led || self.spoke.is_none_or(|spoke| spoke.elapsed() >= SILENCE) {
            tracing::warn!(reason = %fall, "Not relaying revocations for now; they stay in PostgreSQL.");
            self.spoke = Some(Instant::now());
        }
        match fall {
            Fall::Overtaken { .. } => pace.yielding,
            Fall::Database(_) | Fall::Redis(_) => {
                (pace.rest * 2_u32.saturating_pow(self.since_it_led.min(8))).min(pace.longest_rest)
            }
        }
    }
}
