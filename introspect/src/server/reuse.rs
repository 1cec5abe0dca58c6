//! Whether connections are used more than once. nginx keeps them only when it is told to; a connection a question costs
//! several times the decision, and is noticed by nobody but the processor.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many connections are judged together,
const SAMPLE: u32 = 100;
/// if they ended within this time: whoever asks seldom may well have let each go.
const WINDOW: Duration = Duration::from_mins(1);
/// Before the same is said again.
const SILENCE: Duration = Duration::from_hours(1);

/// What is remembered of the connections that ended last.
#[derive(Debug, Default)]
pub struct Reuse(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    begun: Option<Instant>,
    ended: u32,
    requests: u64,
    told: Option<Instant>,
}

impl Reuse {
    /// A connection has ended `now`, on which so many requests were answered. Says what is wrong, once in a while.
    pub fn ended(&self, requests: u64, now: Instant) {
        let wasted = self.0.lock().unwrap_or_else(PoisonError::into_inner).note(requests, now);
        if let Some(requests) = wasted {
            tracing::warn!(
                connections = SAMPLE,
                requests,
                "nginx opens a connection for nearly every question: its upstream of this sidecar needs `keepalive`, \
                 of more connections than it has, and the location `proxy_http_version 1.1` and an empty `Connection` \
                 header. `introspect lint-nginx` finds the place."
            );
        }
    }
}

impl Window {
    /// The requests of the last [`SAMPLE`] connections, if those were too few and it was not said lately.
    fn note(&mut self, requests: u64, now: Instant) -> Option<u64> {
        if self.begun.is_none_or(|begun| now.saturating_duration_since(begun) > WINDOW) {
            (self.begun, self.ended, self.requests) = (Some(now), 0, 0);
        }
        self.ended += 1;
        self.requests = self.requests.saturating_add(requests);
        if self.ended < SAMPLE {
            return None;
        }
        let answered = self.requests;
        (self.begun, self.ended, self.requests) = (None, 0, 0);
        let is_told = self.told.is_some_and(|told| now.saturating_duration_since(told) < SILENCE);
        if is_told || answered >= 2 * u64::from(SAMPLE) {
            return None;
        }
        self.told = Some(now);
        Some(answered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of so many connections, one each `pause`, with so many requests each.
    fn said(window: &mut Window, from: Instant, pause: Duration, connections: u32, requests: u64) -> usize {
        (0..connections).filter(|number| window.note(requests, from + pause * *number).is_some()).count()
    }

    #[test]
    fn a_connection_for_each_question_is_said_once_an_hour() {
        let (mut window, start, pause) = (Window::default(), Instant::now(), Duration::from_millis(10));
        assert_eq!(said(&mut window, start, pause, 99, 1), 0);
        assert_eq!(said(&mut window, start + pause * 99, pause, 10_000, 1), 1);
        assert_eq!(said(&mut window, start + SILENCE + WINDOW, pause, 500, 1), 1);
    }

    #[test]
    fn connections_that_are_kept_are_nothing_to_speak_of() {
        let (mut window, pause) = (Window::default(), Duration::from_millis(1));
        assert_eq!(said(&mut window, Instant::now(), pause, 1000, 2), 0);
        assert_eq!(said(&mut window, Instant::now(), pause, 1000, 1000), 0);
    }

    #[test]
    fn whoever_asks_seldom_may_let_each_go() {
        let mut window = Window::default();
        assert_eq!(said(&mut window, Instant::now(), Duration::from_secs(2), 1000, 1), 0);
    }
}
