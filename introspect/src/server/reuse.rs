//! Whether connections are used more than once. nginx reuses them only if it is configured to; a new connection
//! for each subrequest costs several times the decision, and is visible only as higher processor use.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// This many connections are judged together,
const SAMPLE: u32 = 100;
/// if they ended within this time: with few requests nginx may well close each connection.
const WINDOW: Duration = Duration::from_mins(1);
/// The time before the same warning is logged again.
const SILENCE: Duration = Duration::from_hours(1);

/// Counts the connections that ended most recently.
#[derive(Debug, Default)]
pub(super) struct Reuse(Mutex<ReuseWindow>);

#[derive(Debug, Default)]
struct ReuseWindow {
    begun: Option<Instant>,
    ended: u32,
    requests: u64,
    warned: Option<Instant>,
}

impl Reuse {
    /// Records a connection that ended `now` after this many requests. Logs a warning at most once an hour.
    pub(super) fn ended(&self, requests: u64, now: Instant) {
        if let Some(requests) = self.0.lock().unwrap_or_else(PoisonError::into_inner).note(requests, now) {
            let connections = SAMPLE;
            tracing::warn!(
                connections,
                requests,
                "nginx opens a connection for nearly every auth_request subrequest. Set `keepalive` in the upstream of \
                 this sidecar, and `proxy_http_version 1.1` and an empty `Connection` header in its location; \
                 `introspect lint-nginx` finds the line."
            );
        }
    }
}

impl ReuseWindow {
    /// Records a connection with this many requests. Returns the requests of the last [`SAMPLE`] connections, if
    /// they were too few and no warning was logged within the hour.
    fn note(&mut self, requests: u64, now: Instant) -> Option<u64> {
        if self.begun.is_none_or(|begun| now.saturating_duration_since(begun) > WINDOW) {
            (self.begun, self.ended, self.requests) = (Some(now), 0, 0);
        }
        (self.ended, self.requests) = (self.ended + 1, self.requests.saturating_add(requests));
        if self.ended < SAMPLE {
            return None;
        }
        self.begun = None;
        let is_known = self.warned.is_some_and(|last| now.saturating_duration_since(last) < SILENCE);
        if is_known || self.requests >= 2 * u64::from(SAMPLE) {
            return None;
        }
        self.warned = Some(now);
        Some(self.requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many warnings are due for this many connections, one each `pause`, with this many requests each.
    fn warnings(
        window: &mut ReuseWindow,
        from: Instant,
        pause: Duration,
        connections: u32,
        requests: u64,
    ) -> usize {
        (0..connections).filter(|number| window.note(requests, from + pause * *number).is_some()).count()
    }

    #[test]
    fn a_connection_for_each_subrequest_is_logged_once_an_hour() {
        let (mut window, start, pause) = (ReuseWindow::default(), Instant::now(), Duration::from_millis(10));
        assert_eq!(warnings(&mut window, start, pause, 99, 1), 0);
        assert_eq!(warnings(&mut window, start + pause * 99, pause, 10_000, 1), 1);
        assert_eq!(warnings(&mut window, start + SILENCE + WINDOW, pause, 500, 1), 1);
    }

    #[test]
    fn connections_that_are_kept_are_not_logged() {
        let (mut window, pause) = (ReuseWindow::default(), Duration::from_millis(1));
        assert_eq!(warnings(&mut window, Instant::now(), pause, 1000, 2), 0);
        assert_eq!(warnings(&mut window, Instant::now(), pause, 1000, 1000), 0);
    }

    #[test]
    fn connections_may_be_closed_when_there_are_few_requests() {
        let mut window = ReuseWindow::default();
        assert_eq!(warnings(&mut window, Instant::now(), Duration::from_secs(2), 1000, 1), 0);
    }
}
