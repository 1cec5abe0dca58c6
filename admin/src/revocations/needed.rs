//! The part of the current epoch's log that is still needed, and the hash over all of it.

use std::collections::{BTreeMap, HashMap};

use shared::revocation::{LogChain, LogIdentity, LogPosition, Record, Until};

/// The part of the current epoch's log that is still needed. Small, whatever the length of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Needed {
    /// The position before the first record of each end time, by seconds since the Unix epoch. At most as many
    /// entries as a token's life has seconds.
    pub(super) first_by_end: BTreeMap<u32, ChainedPosition>,
    /// All records.
    pub(super) chain: LogChain,
    /// The records that never end, and the last position of each.
    pub(super) endless: HashMap<Record, u64>,
}

/// A position in the log of the epoch, and the hash over all records up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct ChainedPosition {
    pub(super) seq: u64,
    pub(super) chain: LogChain,
}

impl Needed {
    /// Of a log without records.
    pub(super) fn begin(log: LogIdentity) -> Self {
        Self { chain: LogChain::begin(log), ..Self::default() }
    }

    /// The chain after these records, which are about to be appended.
    pub(super) fn chain_after(&self, records: &[Record]) -> LogChain {
        records.iter().fold(self.chain, |chain, record| chain.after(&record.encode()))
    }

    /// `records` were appended to the log, directly after `at`.
    pub(super) fn note(&mut self, at: LogPosition, records: &[Record]) {
        for (record, seq) in records.iter().zip(at.seq.saturating_add(1)..) {
            match record.until {
                Until::Never => drop(self.endless.insert(*record, seq)),
                Until::At(second) => {
                    let before = ChainedPosition { seq: seq.saturating_sub(1), chain: self.chain };
                    let first = self.first_by_end.entry(second).or_insert(before);
                    *first = before.min(*first);
                }
            }
            self.chain = self.chain.after(&record.encode());
        }
    }

    /// The position before the first record that ends at `moment` (seconds since the Unix epoch) or later;
    /// forgets the others.
    pub(super) fn before(&mut self, moment: u64) -> Option<ChainedPosition> {
        self.first_by_end.retain(|end, _| u64::from(*end) >= moment);
        self.first_by_end.values().min().copied()
    }

    /// The records that never end, at or before `floor`.
    pub(super) fn endless_to(&self, floor: u64) -> Vec<Record> {
        self.endless.iter().filter(|(_, seq)| **seq <= floor).map(|(record, _)| *record).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::revocation::{Kind, Reason, RecordKey};

    use super::*;

    fn record(until: Option<u32>) -> Record {
        let until = until.map_or(Until::Never, Until::At);
        let key = RecordKey::new("issuer", Kind::Session, &format!("{until:?}"));
        Record { kind: Kind::Session, reason: Reason::Revoked, until, key, argument: 0 }
    }

    #[test]
    fn a_record_that_never_ends_counts_where_it_stands_last() {
        let mut needed = Needed::default();
        needed.note(LogPosition { epoch: 1, seq: 0 }, &[record(None), record(Some(600))]);
        assert_eq!(needed.endless_to(2), [record(None)]);
        needed.note(LogPosition { epoch: 1, seq: 2 }, &[record(None)]);
        assert_eq!(needed.endless_to(2), []);
    }

    proptest! {
        #[test]
        fn nothing_that_has_not_ended_lies_before_the_first(
            ends in prop::collection::vec(prop::option::of(0_u32..7200), 0..60),
            moment in 0_u64..7200,
        ) {
            let records: Vec<Record> = ends.iter().map(|end| record(*end)).collect();
            let mut needed = Needed::default();
            needed.note(LogPosition { epoch: 1, seq: 0 }, &records);
            let before = needed.before(moment).map_or(u64::MAX, |before| before.seq);
            for (end, seq) in ends.iter().zip(1_u64..) {
                prop_assert!(end.is_none_or(|end| u64::from(end) < moment || seq > before));
            }
        }
    }
}
