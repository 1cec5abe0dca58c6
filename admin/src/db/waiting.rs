//! How long a request waits for PostgreSQL in all: for connections, for locks, for answers.
//!
//! A request may also wait for its turn to hash a password, or for a provider, which have bounds of their own. So only the
//! time within this module's guards counts, and no caller has to say what else it does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::pin;
use tokio::time::{Instant, timeout};

use super::responsiveness::Responsiveness;

tokio::task_local! {
    static WAITED: Arc<Waited>;
}

/// The time that one request has waited.
#[derive(Debug, Default)]
struct Waited {
    /// Whether it takes rights away, and so may use every connection.
    goes_first: bool,
    state: Mutex<State>,
}

/// What a request may do with PostgreSQL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreLimits {
    /// How long it may wait in all.
    pub(crate) time: Duration,
    /// Whether it takes rights away, and so may use the connections that are set aside for that.
    pub(crate) goes_first: bool,
}

#[derive(Debug, Default)]
struct State {
    over: Duration,
    /// Since when at least one wait is in progress.
    since: Option<Instant>,
    in_progress: usize,
    /// Whether a wait was given up: the connection may still be at work.
    is_given_up: bool,
}

/// One wait, until it is dropped.
struct Wait {
    of: Arc<Waited>,
    is_over: bool,
}

/// PostgreSQL took too long, or does not respond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitedTooLong;

/// The result of `work`, unless it waits longer than its limit for PostgreSQL, or waits when PostgreSQL becomes silent.
///
/// # Errors
///
/// Then `work` is dropped, and the connections that it held are closed.
pub(super) async fn limited<T>(
    responsiveness: &Responsiveness,
    StoreLimits { time: limit, goes_first }: StoreLimits,
    work: impl Future<Output = T>,
) -> Result<T, WaitedTooLong> {
    let waited = Arc::new(Waited { goes_first, state: Mutex::default() });
    let work = WAITED.scope(Arc::clone(&waited), work);
    let silence = responsiveness.silence();
    pin!(work, silence);
    let mut was_silent = false;
    loop {
        let left = limit.saturating_sub(waited.so_far());
        if left.is_zero() {
            return Err(WaitedTooLong);
        }
        tokio::select! {
            biased;
            worked = timeout(left, &mut work) => {
                if let Ok(worked) = worked {
                    return Ok(worked);
                }
            }
            () = &mut silence, if !was_silent => {
                was_silent = true;
                if waited.is_in_progress() {
                    return Err(WaitedTooLong);
                }
            }
        }
    }
}

impl Waited {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn so_far(&self) -> Duration {
        let state = self.state();
        state.over + state.since.map(|since| since.elapsed()).unwrap_or_default()
    }

    fn is_in_progress(&self) -> bool {
        self.state().in_progress > 0
    }
}

impl Wait {
    fn begin(of: Arc<Waited>) -> Self {
        let mut state = of.state();
        state.in_progress += 1;
        state.since.get_or_insert_with(Instant::now);
        drop(state);
        Self { of, is_over: false }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut state = self.of.state();
        state.is_given_up |= !self.is_over;
        state.in_progress -= 1;
        if state.in_progress == 0
            && let Some(since) = state.since.take()
        {
            state.over += since.elapsed();
        }
    }
}

/// The output of `asked`, whose time counts if a request waits for it.
pub(super) async fn counted<T>(asked: impl Future<Output = T>) -> T {
    let Ok(waited) = WAITED.try_with(Arc::clone) else { return asked.await };
    let mut wait = Wait::begin(waited);
    let answer = asked.await;
    wait.is_over = true;
    answer
}

/// Whether what now runs is a request that leaves connections to those that take rights away.
pub(super) fn leaves_some() -> bool {
    WAITED.try_with(|waited| !waited.goes_first).unwrap_or(false)
}

/// Whether the request that now ends gave up a wait.
pub(super) fn is_given_up() -> bool {
    WAITED.try_with(|waited| waited.state().is_given_up).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use futures_util::future::{join, pending};
    use tokio::time::sleep;

    use super::*;

    const TIME: Duration = Duration::from_secs(2);
    const LIMIT: StoreLimits = StoreLimits { time: TIME, goes_first: false };

    #[tokio::test(start_paused = true)]
    async fn only_waits_count() {
        let work = async {
            sleep(Duration::from_mins(1)).await;
            counted(sleep(Duration::from_millis(1900))).await;
            sleep(Duration::from_mins(1)).await;
            7
        };
        assert_eq!(limited(&Responsiveness::new(), LIMIT, work).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_add_up_and_those_at_the_same_time_count_once() {
        let second = || counted(sleep(Duration::from_secs(1)));
        let at_once = async { join(second(), second()).await };
        assert_eq!(limited(&Responsiveness::new(), LIMIT, at_once).await, Ok(((), ())));

        let begun = Instant::now();
        let in_turn = async {
            for _ in 0..3 {
                second().await;
            }
        };
        assert_eq!(limited(&Responsiveness::new(), LIMIT, in_turn).await, Err(WaitedTooLong));
        assert_eq!(begun.elapsed(), TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_when_postgres_becomes_silent_ends_at_once_and_others_go_on() {
        let known = Responsiveness::new();
        let waits =
            limited(&known, StoreLimits { time: Duration::from_hours(1), ..LIMIT }, counted(pending::<()>()));
        let works = limited(&known, LIMIT, sleep(Duration::from_secs(9)));
        let begun = Instant::now();
        let silent = async {
            sleep(Duration::from_secs(1)).await;
            known.set(true);
        };
        let (waited, ()) = join(waits, silent).await;
        assert_eq!((waited, begun.elapsed()), (Err(WaitedTooLong), Duration::from_secs(1)));
        assert_eq!(works.await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_was_given_up_is_known_when_the_work_is_dropped() {
        struct Held<'h>(&'h Mutex<Vec<bool>>);
        impl Drop for Held<'_> {
            fn drop(&mut self) {
                self.0.lock().unwrap().push(is_given_up());
            }
        }
        let seen = Mutex::default();
        let work = |is_slow| {
            let held = Held(&seen);
            async move {
                let _held = held;
                counted(sleep(if is_slow { Duration::from_mins(1) } else { Duration::ZERO })).await;
            }
        };
        let known = Responsiveness::new();
        assert_eq!(limited(&known, LIMIT, work(false)).await, Ok(()));
        assert_eq!(limited(&known, LIMIT, work(true)).await, Err(WaitedTooLong));
        assert_eq!(*seen.lock().unwrap(), [false, true]);
    }
}
