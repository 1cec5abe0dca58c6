//! How often the relay looks for rows, how much it moves at once, and how it backs off after failures.

use std::time::Duration;

use tokio::time::Instant;

use super::Fall;
use super::log::LogError;

/// Intervals and batch sizes. Tests shorten them.
#[derive(Debug, Clone)]
pub struct Pace {
    /// How long to wait for a notification before looking for rows anyway.
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

impl Default for Pace {
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
pub(super) struct Falls {
    in_a_row: u32,
    last: Option<Instant>,
    said: Option<(String, Instant)>,
}

/// After this long without a failure, the next one counts as the first again. A repeated reason is logged
/// again only after this long.
const STEADY: Duration = Duration::from_secs(30);

impl Falls {
    /// Logs the failure if it is new, and returns the pause: twice as long each time.
    pub(super) fn rest_after_fall(&mut self, fall: &Fall, pace: &Pace) -> Duration {
        self.say(fall.to_string(), "Not relaying revocations for now; they remain in PostgreSQL.");
        let rest = self.rest(pace);
        match fall {
            Fall::Overtaken { .. } => pace.yielding,
            Fall::Database(_) | Fall::Redis(_) => rest,
        }
    }

    /// The same, while the relay keeps leading.
    pub(super) fn rest_before_rebinding(&mut self, reason: &LogError, pace: &Pace) -> Duration {
        self.say(reason.to_string(), "The revocation log is being filled again under a new epoch.");
        self.rest(pace)
    }

    fn say(&mut self, reason: String, consequence: &str) {
        let is_news = |(said, at): &(String, Instant)| *said != reason || at.elapsed() >= STEADY;
        if self.said.as_ref().is_none_or(is_news) {
            tracing::warn!(reason, "{consequence}");
            self.said = Some((reason, Instant::now()));
        }
    }

    fn rest(&mut self, pace: &Pace) -> Duration {
        let is_first = self.last.is_none_or(|last| last.elapsed() >= STEADY);
        self.in_a_row = if is_first { 0 } else { self.in_a_row.saturating_add(1) };
        self.last = Some(Instant::now());
        (pace.rest * 2_u32.saturating_pow(self.in_a_row.min(8))).min(pace.longest_rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rests_grow_to_a_second_and_are_short_again_after_a_steady_while() {
        let (mut falls, pace) = (Falls::default(), Pace::default());
        let mut rests = Vec::new();
        for _ in 0..7 {
            let rest = falls.rest_before_rebinding(&LogError::Fork, &pace);
            rests.push(rest.as_millis());
            tokio::time::advance(rest).await;
        }
        assert_eq!(rests, [50, 100, 200, 400, 800, 1000, 1000]);
        tokio::time::advance(STEADY).await;
        assert_eq!(falls.rest_before_rebinding(&LogError::Fork, &pace), pace.rest);
    }
}
