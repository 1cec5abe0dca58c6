//! How long a failed sign-in takes, whatever the scheme of the stored hash.
//!
//! A failure waits until a fixed time after its hash began, without computing anything: long enough for the slowest
//! scheme that is stored. So its duration tells neither the scheme of an account nor whether there is an account.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many durations are kept: few enough to follow the load of the machine.
const KEPT: usize = 64;

/// Of ten hashes, nine are faster than the time to which failures wait.
const FASTER: (usize, usize) = (9, 10);

/// The time is only roughly in proportion to the work, so a slower scheme counts as this much of it, in percent.
const MARGIN: u64 = 115;

/// No failure waits longer, however slow the machine is.
const MAX_TARGET: Duration = Duration::from_secs(2);

/// The durations of hashes.
#[derive(Debug)]
pub(super) struct FailurePadding(Mutex<HashDurations>);

#[derive(Debug)]
struct HashDurations {
    /// Of the last hashes with the configured parameters.
    recent: VecDeque<Duration>,
    /// The time of the slowest stored scheme, in percent of that of the configured parameters; at least 100.
    slowest: u32,
}

impl Default for FailurePadding {
    fn default() -> Self {
        Self(Mutex::new(HashDurations { recent: VecDeque::new(), slowest: 100 }))
    }
}

impl FailurePadding {
    /// A hash with the configured parameters took `took`.
    pub(super) fn note(&self, took: Duration) {
        let mut durations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if durations.recent.len() == KEPT {
            durations.recent.pop_front();
        }
        durations.recent.push_back(took);
    }

    /// The slowest stored scheme does `slowest` work, and the configured parameters do `configured`.
    pub(super) fn compare(&self, slowest: u64, configured: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).slowest = percent_of(slowest, configured);
    }

    /// A stored scheme does `work`: it may have been stored since the schemes were compared.
    pub(super) fn raise(&self, work: u64, configured: u64) {
        let mut durations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        durations.slowest = durations.slowest.max(percent_of(work, configured));
    }

    /// The time of the slowest stored scheme, in percent of that of the configured parameters.
    pub(super) fn percent(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).slowest
    }

    /// How long after the beginning of its hash a failure ends; zero before the first hash.
    pub(super) fn target(&self) -> Duration {
        let durations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<_> = durations.recent.iter().copied().collect();
        sorted.sort_unstable();
        let place = (sorted.len() * FASTER.0 / FASTER.1).min(sorted.len().saturating_sub(1));
        let usual = sorted.get(place).copied().unwrap_or_default();
        (usual.min(MAX_TARGET) * durations.slowest / 100).min(MAX_TARGET)
    }
}

/// The time of `work`, in percent of that of the configured parameters; at least 100.
fn percent_of(work: u64, configured: u64) -> u32 {
    let percent = work.saturating_mul(MARGIN) / configured.max(1);
    let percent = if work > configured { percent.max(100) } else { 100 };
    u32::try_from(percent).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn nine_of_ten_hashes_are_faster_than_the_target() {
        let padding = FailurePadding::default();
        assert_eq!(padding.target(), Duration::ZERO);
        (1..=10).for_each(|took| padding.note(ms(took)));
        assert_eq!(padding.target(), ms(10));
        padding.note(ms(100));
        assert_eq!(padding.target(), ms(10));
    }

    #[test]
    fn the_target_follows_the_load() {
        let padding = FailurePadding::default();
        (0..KEPT).for_each(|_| padding.note(ms(500)));
        (0..KEPT).for_each(|_| padding.note(ms(10)));
        assert_eq!(padding.target(), ms(10));
    }

    #[test]
    fn the_slowest_scheme_sets_the_target() {
        let padding = FailurePadding::default();
        padding.note(ms(10));
        padding.compare(300, 100);
        assert_eq!(padding.target(), ms(10) * 345 / 100);
        padding.compare(u64::MAX, 1);
        assert_eq!(padding.target(), MAX_TARGET);
        padding.compare(1, 100);
        assert_eq!(padding.target(), ms(10));
    }
}
