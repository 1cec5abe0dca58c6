//! How often the relay looks for rows, how much it moves at once, and how it backs off after failures.

use std::time::Duration;

use tokio::time::Instant;

use super::end::{Fault, SteppedDown};

/// Intervals and batch sizes. Tests shorten them.
#[derive(Debug, Clone)]
pub struct RelayTiming {
    /// How often a heartbeat is opened, and rows are looked for without a notification.
    pub tick: Duration,
    /// How often a relay that does not lead tries to take the lock.
    pub follow: Duration,
    /// The pause after a failure, leading or not; doubled after each further one.
    pub rest: Duration,
    /// The longest such pause.
    pub longest_rest: Duration,
    /// The pause after another relay was found to lead.
    pub yielding: Duration,
    /// The most rows moved at once.
    pub batch: i64,
    /// The most rows deleted in one turn after publishing.
    pub sweep: u64,
    /// How often the log is trimmed and expired rows are deleted.
    pub trim_every: Duration,
    /// How long a record stays in the log after its end.
    pub keep: Duration,
    /// Fewer records than this are not worth trimming.
    pub trim_at_least: u64,
}

impl Default for RelayTiming {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(200),
            follow: Duration::from_millis(250),
            rest: Duration::from_millis(50),
            longest_rest: Duration::from_secs(1),
            yielding: Duration::from_secs(5),
            batch: 2000,
            sweep: 1000,
            trim_every: Duration::from_secs(60),
            keep: Duration::from_mins(5),
            trim_at_least: 1000,
        }
    }
}

/// The recent failures of a relay: how many in a row, the last one, and its logged reason.
#[derive(Debug, Default)]
pub(super) struct Failures {
    consecutive: u32,
    last: Option<Instant>,
    logged: Option<(String, Instant)>,
}

/// After this long without a failure, the next one counts as the first again. A repeated reason is logged
/// again only after this long.
const STEADY: Duration = Duration::from_secs(30);

/// Shorter than the lease may be idle.
const LONGEST_WHILE_LEADING: Duration = Duration::from_millis(400);

impl Failures {
    /// Logs the failure if it is new, and returns the pause: twice as long each time.
    pub(super) fn rest_after_stepping_down(
        &mut self,
        reason: &SteppedDown,
        timing: &RelayTiming,
    ) -> Duration {
        self.log(reason.to_string(), "Not relaying revocations for now; they remain in PostgreSQL.");
        let rest = self.rest(timing);
        match reason {
            SteppedDown::Overtaken { .. } => timing.yielding,
            SteppedDown::Database(_) | SteppedDown::Fault(_) => rest,
        }
    }

    /// The same, while the relay keeps leading: never so long that it loses its lease.
    pub(super) fn rest_before_rebinding(&mut self, reason: &Fault, timing: &RelayTiming) -> Duration {
        self.log(reason.to_string(), "The revocation log is being filled again under a new epoch.");
        self.rest(timing).min(LONGEST_WHILE_LEADING)
    }

    fn log(&mut self, reason: String, consequence: &str) {
        let is_new = |(logged, at): &(String, Instant)| *logged != reason || at.elapsed() >= STEADY;
        if self.logged.as_ref().is_none_or(is_new) {
            tracing::warn!(reason, "{consequence}");
            self.logged = Some((reason, Instant::now()));
        }
    }

    fn rest(&mut self, timing: &RelayTiming) -> Duration {
        let is_first = self.last.is_none_or(|last| last.elapsed() >= STEADY);
        self.consecutive = if is_first { 0 } else { self.consecutive.saturating_add(1) };
        self.last = Some(Instant::now());
        (timing.rest * 2_u32.saturating_pow(self.consecutive.min(8))).min(timing.longest_rest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::LogError;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rests_grow_and_are_short_again_after_a_steady_while() {
        let (mut failures, timing) = (Failures::default(), RelayTiming::default());
        let mut rests = Vec::new();
        for _ in 0..7 {
            let rest = failures.rest_before_rebinding(&Fault::Redis(LogError::Fork), &timing);
            rests.push(rest.as_millis());
            tokio::time::advance(rest).await;
        }
        assert_eq!(rests, [50, 100, 200, 400, 400, 400, 400]);
        tokio::time::advance(STEADY).await;
        assert_eq!(failures.rest_before_rebinding(&Fault::Redis(LogError::Fork), &timing), timing.rest);
    }
}
