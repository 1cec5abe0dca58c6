//! Stops asking a provider that does not answer, and tries again after a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row, and it is not asked any more.
const FAILURES: u32 = 5;

/// So long.
const REST: Duration = Duration::from_secs(30);

/// A trial that did not end counts as lost after this; longer than a sign-in may take.
const TRIAL: Duration = Duration::from_secs(12);

/// One provider's.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is asked; so many failures in a row.
    Closed(u32),
    /// It is not asked until then; then one question is tried.
    Open(Instant),
}

/// What an outcome changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// No route.
    None,
    /// From now on it is not asked.
    Rests,
    /// It is asked again.
    Answers,
}

impl Default for State {
    fn default() -> Self {
        Self::Closed(0)
    }
}

impl Breaker {
    /// Whether a question may be begun, without taking the trial.
    ///
    /// # Errors
    ///
    /// For how long it may not.
    pub(super) fn look(&self, now: Instant) -> Result<(), Duration> {
        match *self.state() {
            State::Open(until) if until > now => Err(until - now),
            State::Open(_) | State::Closed(_) => Ok(()),
        }
    }

    /// Begins a question, whose outcome [`Self::ended`] must be told.
    ///
    /// # Errors
    ///
    /// For how long none may be asked.
    pub(super) fn begin(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state();
        match *state {
            State::Closed(_) => Ok(()),
            State::Open(until) if until > now => Err(until - now),
            State::Open(_) => {
                // This one is the trial; others wait for what comes of it.
                *state = State::Open(now + TRIAL);
                Ok(())
            }
        }
    }

    /// Notes whether a question was answered, well or ill, and says what that changed.
    pub(super) fn ended(&self, was_answered: bool, now: Instant) -> Change {
        let mut state = self.state();
        let before = *state;
        *state = match (was_answered, before) {
            (true, _) => State::Closed(0),
            (false, State::Closed(failures)) if failures + 1 < FAILURES => State::Closed(failures + 1),
            (false, State::Closed(_) | State::Open(_)) => State::Open(now + REST),
        };
        match (before, *state) {
            (State::Closed(_), State::Open(_)) => Change::Rests,
            (State::Open(_), State::Closed(_)) => Change::Answers,
            (State::Closed(_), State::Closed(_)) | (State::Open(_), State::Open(_)) => Change::None,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // A number is never half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert_eq!(breaker.begin(now), Ok(()));
            let _change = breaker.ended(false, now);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_stop_it_and_an_answer_between_does_not() {
        let now = Instant::now();
        let breaker = Breaker::default();
        for _ in 0..FAILURES * 3 {
            breaker.ended(false, now);
            breaker.ended(true, now);
        }
        assert_eq!(breaker.look(now), Ok(()));
        assert_eq!(opened(now).look(now), Err(REST));
        assert_eq!(opened(now).ended(true, now), Change::Answers);
        assert_eq!(opened(now).begin(now + REST / 2), Err(REST / 2));
    }

    #[test]
    fn after_the_rest_one_is_tried_and_others_wait_for_it() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + REST;
        assert_eq!(breaker.begin(later), Ok(()));
        assert_eq!(breaker.begin(later), Err(TRIAL));
        breaker.ended(true, later);
        assert_eq!(breaker.begin(later), Ok(()));
        assert_eq!(breaker.begin(later), Ok(()));
    }

    #[test]
    fn a_trial_that_fails_or_gets_lost_is_followed_by_another() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + REST;
        assert_eq!(breaker.begin(later), Ok(()));
        breaker.ended(false, later);
        assert_eq!(breaker.look(later), Err(REST));
        let lost = later + REST;
        assert_eq!(breaker.begin(lost), Ok(()));
        assert_eq!(breaker.begin(lost + TRIAL), Ok(()));
    }
}
