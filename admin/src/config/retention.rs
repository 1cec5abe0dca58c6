//! How long data is kept.

use std::time::Duration;

use runtime::env::{Reader, duration_between};

/// How long data of users is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionConfig {
    /// How long entries of the login history are kept.
    pub history: Duration,
    /// The same for an operator who must keep them by law: until then addresses are not shortened either, and an
    /// erasure leaves the entries.
    pub history_hold: Option<Duration>,
    /// How long entries of the audit log are kept.
    pub audit: Duration,
    /// How long an erasure can be cancelled.
    pub erasure_grace: Duration,
}

const DAY: Duration = Duration::from_hours(24);
const YEAR: Duration = Duration::from_hours(365 * 24);

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { history: YEAR, history_hold: None, audit: DAY * 1127, erasure_grace: DAY * 14 }
    }
}

impl RetentionConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let usual = Self::default();
        let history = reader.or("ADMIN_HISTORY_RETENTION", usual.history, duration_between(DAY, YEAR * 10));
        let history_hold = reader.optional("ADMIN_HISTORY_HOLD", duration_between(DAY, YEAR * 10));
        if history_hold.is_some_and(|hold| hold < history) {
            reader.mistake("ADMIN_HISTORY_HOLD", "must not be shorter than ADMIN_HISTORY_RETENTION");
        }
        let audit = reader.or("ADMIN_AUDIT_RETENTION", usual.audit, duration_between(DAY * 31, YEAR * 10));
        let grace = duration_between(Duration::from_hours(1), DAY * 90);
        let erasure_grace = reader.or("ADMIN_ERASURE_GRACE", usual.erasure_grace, grace);
        Self { history, history_hold, audit, erasure_grace }
    }

    /// How long an entry of the login history is kept, in days.
    pub fn history_days(&self) -> i32 {
        days(self.history_hold.unwrap_or(self.history))
    }

    /// After how many days an address in the login history is shortened to its network.
    pub fn whole_address_days(&self) -> i32 {
        self.history_hold.map_or(90, days)
    }

    /// How long an entry of the audit log is kept, in days.
    pub fn audit_days(&self) -> i32 {
        days(self.audit)
    }
}

/// Whole days, rounded up: nothing is deleted too early.
fn days(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs().div_ceil(DAY.as_secs())).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&'static str, &str)]) -> (RetentionConfig, bool) {
        let vars: std::collections::HashMap<_, _> =
            vars.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut reader = Reader::new(&vars);
        let config = RetentionConfig::read(&mut reader);
        (config, reader.finish(Some(())).is_ok())
    }

    #[test]
    fn a_hold_replaces_the_retention_of_history_and_of_addresses() {
        let (usual, _) = read(&[]);
        assert_eq!((usual.history_days(), usual.whole_address_days(), usual.audit_days()), (365, 90, 1127));
        let (held, is_right) = read(&[("ADMIN_HISTORY_HOLD", "1095d")]);
        assert!(is_right);
        assert_eq!((held.history_days(), held.whole_address_days()), (1095, 1095));
    }

    #[test]
    fn a_hold_that_is_shorter_than_the_retention_is_a_mistake() {
        assert!(!read(&[("ADMIN_HISTORY_HOLD", "364d")]).1);
        assert!(!read(&[("ADMIN_ERASURE_GRACE", "59m")]).1);
    }

    #[test]
    fn a_part_of_a_day_counts_as_a_day() {
        assert_eq!(days(Duration::from_hours(25)), 2);
        assert_eq!(days(DAY * 3650), 3650);
    }
}
