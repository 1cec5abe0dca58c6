//! A circuit breaker: sends nothing to a provider that does not respond, and tries again after a while. It also limits
//! how many calls run at the same time, and how long one may take.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::error::ProviderError;

/// How many failures in a row open the circuit.
const FAILURES: u32 = 5;

/// How long it stays open.
const OPEN: Duration = Duration::from_secs(30);

/// A trial without an outcome counts as failed after this; longer than an identification may take.
const TRIAL: Duration = Duration::from_secs(12);

/// How many calls run at the same time, so that a slow provider leaves capacity to others.
const MAX_CONCURRENT: usize = 64;

/// One provider's circuit breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    provider: String,
    state: Mutex<BreakerState>,
    slots: Semaphore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BreakerState {
    /// Requests are sent; this many failed in a row.
    Closed(u32),
    /// Nothing is sent until then; then one trial is.
    Open(Instant),
}

/// How an outcome changed the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transition {
    /// Not at all.
    None,
    /// Nothing is sent from now on.
    Opened,
    /// Requests are sent again.
    Closed,
}

impl Default for BreakerState {
    fn default() -> Self {
        Self::Closed(0)
    }
}

impl Breaker {
    /// Closed; `provider` is for the log.
    pub(super) fn new(provider: String) -> Self {
        Self { provider, state: Mutex::default(), slots: Semaphore::new(MAX_CONCURRENT) }
    }

    /// Runs `call`, which may be several requests: in one of the slots, while the circuit is closed, and within
    /// `limit`. Its outcome counts once.
    pub(super) async fn run<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let _slot = self.slots.try_acquire().map_err(|_| ProviderError::Saturated)?;
        self.admit(Instant::now()).map_err(ProviderError::CircuitOpen)?;
        let result = timeout(limit, call).await.unwrap_or(Err(ProviderError::Timeout));
        let has_responded = result.as_ref().err().is_none_or(|error| !error.is_outage());
        let provider = self.provider.as_str();
        match self.record(has_responded, Instant::now()) {
            Transition::None => {}
            Transition::Opened => {
                tracing::warn!(provider, "Circuit breaker opened: the identity provider does not respond.");
            }
            Transition::Closed => {
                tracing::info!(provider, "Circuit breaker closed: the identity provider responds again.");
            }
        }
        result
    }

    /// Whether a request may be sent, without taking the trial.
    ///
    /// # Errors
    ///
    /// For how long none may be sent.
    pub(super) fn check(&self, now: Instant) -> Result<(), Duration> {
        match *self.state() {
            BreakerState::Open(until) if until > now => Err(until - now),
            BreakerState::Open(_) | BreakerState::Closed(_) => Ok(()),
        }
    }

    /// Admits a request, whose outcome must be given to [`Self::record`].
    ///
    /// # Errors
    ///
    /// For how long none may be sent.
    fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state();
        match *state {
            BreakerState::Closed(_) => Ok(()),
            BreakerState::Open(until) if until > now => Err(until - now),
            BreakerState::Open(_) => {
                // This one is the trial; others wait for its outcome.
                *state = BreakerState::Open(now + TRIAL);
                Ok(())
            }
        }
    }

    /// Records whether the provider responded, with success or not, and returns what that changed.
    fn record(&self, has_responded: bool, now: Instant) -> Transition {
        let mut state = self.state();
        let before = *state;
        *state = match (has_responded, before) {
            (true, _) => BreakerState::Closed(0),
            (false, BreakerState::Closed(failures)) if failures + 1 < FAILURES => {
                BreakerState::Closed(failures + 1)
            }
            (false, BreakerState::Closed(_) | BreakerState::Open(_)) => BreakerState::Open(now + OPEN),
        };
        match (before, *state) {
            (BreakerState::Closed(_), BreakerState::Open(_)) => Transition::Opened,
            (BreakerState::Open(_), BreakerState::Closed(_)) => Transition::Closed,
            (BreakerState::Closed(_), BreakerState::Closed(_))
            | (BreakerState::Open(_), BreakerState::Open(_)) => Transition::None,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, BreakerState> {
        // A state is never half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::new("test".to_owned());
        for _ in 0..FAILURES {
            assert_eq!(breaker.admit(now), Ok(()));
            let _transition = breaker.record(false, now);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_unless_a_response_is_between() {
        let now = Instant::now();
        let breaker = Breaker::new("test".to_owned());
        for _ in 0..FAILURES * 3 {
            breaker.record(false, now);
            breaker.record(true, now);
        }
        assert_eq!(breaker.check(now), Ok(()));
        assert_eq!(opened(now).check(now), Err(OPEN));
        assert_eq!(opened(now).record(true, now), Transition::Closed);
        assert_eq!(opened(now).admit(now + OPEN / 2), Err(OPEN / 2));
    }

    #[test]
    fn one_trial_follows_and_others_wait_for_its_outcome() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + OPEN;
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), Err(TRIAL));
        breaker.record(true, later);
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), Ok(()));
    }

    #[test]
    fn a_trial_that_fails_or_gets_lost_is_followed_by_another() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + OPEN;
        assert_eq!(breaker.admit(later), Ok(()));
        breaker.record(false, later);
        assert_eq!(breaker.check(later), Err(OPEN));
        let lost = later + OPEN;
        assert_eq!(breaker.admit(lost), Ok(()));
        assert_eq!(breaker.admit(lost + TRIAL), Ok(()));
    }
}
