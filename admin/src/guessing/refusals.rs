//! What the login history and the log get of attempts that are too many for a line each: refused ones, and those for
//! names that no account has. One entry for each bucket, subject and window, with a count.
//!
//! The table has a fixed size, so strangers cannot grow it, the log or the history.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::limits::{Bucket, Network};

/// How many entries are kept for the current windows. Beyond that, attempts are counted without a subject.
const MOST: usize = 1024;

/// What happened to attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// They were refused by this bucket.
    Refused(Bucket),
    /// They were for names that no account has.
    UnknownName,
    /// They were refreshes from elsewhere, beyond those that have an entry each.
    RefreshElsewhere,
    /// They were right, and opened no session because the account had opened too many.
    TooManySessions,
}

/// What they have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalSubject {
    /// They were for this account.
    User(Uuid),
    /// They came from this site, for names that no account has.
    Site(Network),
    /// There were too many different ones.
    Others,
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RefusalEntry {
    /// What happened.
    pub kind: RefusalKind,
    /// What the attempts have in common.
    pub subject: RefusalSubject,
    /// The number of the window.
    pub window: u64,
}

/// The attempts of one entry that are not in the history yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedRefusals {
    /// The entry.
    pub entry: RefusalEntry,
    /// How many.
    pub attempts: u32,
    /// The address of the first.
    pub address: Option<IpAddr>,
    /// The request of the first.
    pub request_id: String,
}

/// The entries of the current windows.
#[derive(Debug, Default)]
pub struct Refusals {
    entries: Mutex<HashMap<RefusalEntry, RefusalState>>,
}

#[derive(Debug)]
struct RefusalState {
    pending: u32,
    /// How many have an entry each.
    single: u32,
    address: Option<IpAddr>,
    request_id: String,
}

impl RefusalKind {
    /// The length of its windows in seconds.
    pub const fn window(self) -> u64 {
        match self {
            Self::Refused(bucket) => bucket.table().window(),
            Self::UnknownName => Bucket::Identifier.table().window(),
            Self::RefreshElsewhere | Self::TooManySessions => 3600,
        }
    }
}

impl RefusalEntry {
    /// An entry of the second `now`: of an account, or of the site of `address`.
    pub fn new(kind: RefusalKind, user: Option<Uuid>, address: Option<IpAddr>, now: u64) -> Self {
        let site =
            || address.map_or(RefusalSubject::Others, |address| RefusalSubject::Site(Network::site(address)));
        Self { kind, subject: user.map_or_else(site, RefusalSubject::User), window: now / kind.window() }
    }

    /// The second in which its window begins.
    pub fn begins_at(self) -> u64 {
        self.window * self.kind.window()
    }

    /// A text that no other entry has.
    pub fn text(self) -> String {
        format!("{self:?}")
    }

    fn is_over(self, now: u64) -> bool {
        self.begins_at() + self.kind.window() <= now
    }
}

impl Refusals {
    /// Counts an attempt at the second `now`. Returns `true` for the first one of an entry.
    pub fn count(
        &self,
        entry: RefusalEntry,
        address: Option<IpAddr>,
        request_id: Option<&str>,
        now: u64,
    ) -> bool {
        self.count_beyond(0, entry, address, request_id, now)
    }

    /// Returns `true` for the first `singles` attempts of an entry, which get an entry each, and counts the others.
    pub fn count_beyond(
        &self,
        singles: u32,
        mut entry: RefusalEntry,
        address: Option<IpAddr>,
        request_id: Option<&str>,
        now: u64,
    ) -> bool {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if !entries.contains_key(&entry) && entries.len() >= MOST {
            entries.retain(|entry, state| state.pending > 0 || !entry.is_over(now));
            if entries.len() >= MOST {
                entry.subject = RefusalSubject::Others;
            }
        }
        let is_first = !entries.contains_key(&entry);
        let state = entries.entry(entry).or_insert_with(|| RefusalState {
            pending: 0,
            single: 0,
            address: address.filter(|_| entry.subject != RefusalSubject::Others),
            request_id: request_id.unwrap_or_default().to_owned(),
        });
        if state.single < singles {
            state.single += 1;
            return true;
        }
        state.pending = state.pending.saturating_add(1);
        is_first
    }

    /// The attempts since the last call. What could not be written must be given to [`Self::put_back`].
    pub fn take(&self, now: u64) -> Vec<CountedRefusals> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = entries.iter_mut().filter(|(_, state)| state.pending > 0);
        let taken = pending
            .map(|(entry, state)| CountedRefusals {
                entry: *entry,
                attempts: std::mem::take(&mut state.pending),
                address: state.address,
                request_id: state.request_id.clone(),
            })
            .collect();
        entries.retain(|entry, _| !entry.is_over(now));
        taken
    }

    /// Counts again what was not written.
    pub fn put_back(&self, counted: Vec<CountedRefusals>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for CountedRefusals { entry, attempts, address, request_id } in counted {
            if entries.len() < 2 * MOST || entries.contains_key(&entry) {
                let state = entries.entry(entry).or_insert(RefusalState {
                    pending: 0,
                    single: 0,
                    address,
                    request_id,
                });
                state.pending = state.pending.saturating_add(attempts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: RefusalKind = RefusalKind::Refused(Bucket::Identifier);

    fn entry(kind: RefusalKind, user: u128, now: u64) -> RefusalEntry {
        RefusalEntry::new(kind, Some(Uuid::from_u128(user)), None, now)
    }

    #[test]
    fn only_the_first_attempt_of_a_window_is_announced() {
        let refusals = Refusals::default();
        let count = |now| refusals.count(entry(REFUSED, 1, now), None, Some("r"), now);
        assert!(count(1200) && !count(1201));
        assert_eq!(refusals.take(1202)[0].attempts, 2);
        assert!(!count(1799), "it was taken meanwhile");
        assert!(count(1800));
        let mut attempts: Vec<u32> = refusals.take(1800).iter().map(|counted| counted.attempts).collect();
        attempts.sort_unstable();
        assert_eq!(attempts, [1, 1]);
        assert_eq!(refusals.take(1800), []);
    }

    #[test]
    fn the_first_attempts_get_an_entry_each_and_the_others_are_counted() {
        let refusals = Refusals::default();
        let refresh = |now| {
            let entry = entry(RefusalKind::RefreshElsewhere, 1, now);
            refusals.count_beyond(3, entry, None, None, now)
        };
        assert_eq!((0..5).map(refresh).collect::<Vec<_>>(), [true, true, true, false, false]);
        assert_eq!(refusals.take(5)[0].attempts, 2);
        assert_eq!((refresh(6), refusals.take(7)[0].attempts), (false, 1));
        assert!(refresh(3600) && refusals.take(3600).is_empty());
    }

    #[test]
    fn a_million_names_are_a_bounded_number_of_entries() {
        let refusals = Refusals::default();
        let announced = (0..1_000_000).filter(|user| refusals.count(entry(REFUSED, *user, 0), None, None, 0));
        assert_eq!(announced.count(), MOST + 1);
        let taken = refusals.take(0);
        assert_eq!(taken.len(), MOST + 1);
        assert_eq!(taken.iter().map(|counted| counted.attempts).sum::<u32>(), 1_000_000);
        // In the next window there is room again.
        assert!(refusals.count(entry(REFUSED, 2_000_000, 600), None, None, 600));
        assert_eq!(refusals.take(600)[0].entry.subject, RefusalSubject::User(Uuid::from_u128(2_000_000)));
    }

    #[test]
    fn what_was_not_written_is_counted_again() {
        let refusals = Refusals::default();
        refusals.count(entry(REFUSED, 1, 0), None, None, 0);
        refusals.put_back(refusals.take(0));
        refusals.count(entry(REFUSED, 1, 0), None, None, 0);
        assert_eq!(refusals.take(0)[0].attempts, 2);
    }

    #[test]
    fn every_entry_has_a_text_of_its_own() {
        let site = RefusalEntry::new(RefusalKind::UnknownName, None, Some([198, 51, 100, 7].into()), 0);
        let texts = [entry(REFUSED, 1, 0), entry(REFUSED, 2, 0), entry(REFUSED, 1, 600), site];
        let mut texts = texts.map(RefusalEntry::text).to_vec();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), 4);
    }
}
