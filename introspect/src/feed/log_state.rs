//! How far the revocation log has been read, and whether what was read is complete.
//!
//! Pure: a step takes an answer of the log, and returns the effects that the feed must carry out, in order.

use shared::revocation::{LogPosition, Record, RecordError};

use crate::feed::log_reader::{LogEntry, LogReply};
use crate::knowledge::Revocations;
use crate::metrics::Anomaly;

/// The position in the log, and what is known to be lost.
#[derive(Debug)]
pub(super) struct LogState {
    position: LogPosition,
    /// The highest epoch seen: the log of a lower one is an old history.
    highest_epoch: u64,
    /// Why the sidecar cannot decide: a record of this epoch was missing or not understood, or the epoch is an
    /// old one.
    lost: Option<Revocations>,
}

/// The next step of the feed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect<'e> {
    /// Log that an epoch begins.
    Begin(u64),
    /// Apply a record.
    Apply(Record, &'e LogEntry),
    /// Report a record that this version does not understand.
    NotUnderstood(RecordError),
    /// Report what is wrong with the log.
    Report(Anomaly, &'static str),
    /// Decide nothing until a complete epoch above all others has been read.
    Close(Revocations),
    /// Read the log again at once.
    ReadAgain,
    /// The log has been read to its end; whether it was complete.
    End {
        /// Nothing is lost, so that the sidecar can decide.
        complete: bool,
    },
}

impl LogState {
    /// Nothing has been read.
    pub(super) const fn new() -> Self {
        Self { position: LogPosition { epoch: 0, seq: 0 }, highest_epoch: 0, lost: None }
    }

    /// The last entry that was read.
    pub(super) const fn position(&self) -> LogPosition {
        self.position
    }

    /// Whether a log whose last entry is `last` has more to read.
    pub(super) const fn is_behind(&self, last: u64) -> bool {
        self.position.seq < last
    }

    /// Takes an answer of the script.
    pub(super) fn step<'e>(&mut self, reply: &'e LogReply) -> Vec<Effect<'e>> {
        match reply {
            // The feed connects again, perhaps to another server.
            LogReply::NotMaster => Vec::new(),
            LogReply::NoEpoch => {
                vec![Effect::Report(Anomaly::NoEpoch, "the relay of admin has not written it yet")]
            }
            LogReply::Epoch(epoch) => self.begin(*epoch),
            // It may grow past the position with other records, which must not be missed.
            LogReply::Regressed => {
                self.position.seq = 0;
                let why = "it ends before the position of this sidecar";
                vec![Effect::Report(Anomaly::Regressed, why), Effect::ReadAgain]
            }
            // Only records that expired long ago are trimmed, so none of them is missed.
            LogReply::Trimmed(floor) => {
                self.position.seq = *floor;
                vec![Effect::ReadAgain]
            }
            LogReply::Log { last, entries, .. } => self.read(*last, entries),
        }
    }

    /// Another epoch is read from its start. If it is not above every earlier epoch, Redis or PostgreSQL was
    /// reset to an earlier state: the records are applied, but it is unknown which ones are missing.
    fn begin(&mut self, epoch: u64) -> Vec<Effect<'static>> {
        self.position = LogPosition { epoch, seq: 0 };
        if epoch > self.highest_epoch {
            self.highest_epoch = epoch;
            self.lost = None;
            return vec![Effect::Begin(epoch), Effect::ReadAgain];
        }
        let why = "its epoch is lower than one already read; restart this sidecar if PostgreSQL was restored";
        vec![Effect::Report(Anomaly::LowerEpoch, why), self.lose(Revocations::Old), Effect::ReadAgain]
    }

    /// `entries` follow the position, and `last` is the last one in the log. The answer is atomic: what is missing from it
    /// is missing from the log.
    ///
    /// A log that is incomplete, or has records that this version does not understand, stops the sidecar from
    /// deciding: it could allow a revoked token. A new epoch clears this state.
    fn read<'e>(&mut self, last: u64, entries: &'e [LogEntry]) -> Vec<Effect<'e>> {
        let mut effects = Vec::with_capacity(entries.len() + 1);
        for entry in entries {
            if !self.is_next(entry) {
                effects.extend(self.gap());
            }
            self.pass(entry, &mut effects);
        }
        if entries.is_empty() && self.is_behind(last) {
            effects.extend(self.gap());
            self.position.seq = last;
        }
        if !self.is_behind(last) {
            effects.push(Effect::End { complete: self.lost.is_none() });
        }
        effects
    }

    /// Entries of a page are applied up to the first gap. The page was not read atomically with the floor: missing
    /// entries may have been trimmed or lost. The next answer of the script says which.
    pub(super) fn read_page<'e>(&mut self, entries: &'e [LogEntry]) -> Vec<Effect<'e>> {
        let mut effects = vec![Effect::ReadAgain];
        for entry in entries {
            if !self.is_next(entry) {
                break;
            }
            self.pass(entry, &mut effects);
        }
        effects
    }

    const fn is_next(&self, entry: &LogEntry) -> bool {
        entry.position.seq == self.position.seq + 1
    }

    fn pass<'e>(&mut self, entry: &'e LogEntry, effects: &mut Vec<Effect<'e>>) {
        match Record::decode(&entry.record) {
            Ok(record) => effects.push(Effect::Apply(record, entry)),
            Err(error) => effects.extend([Effect::NotUnderstood(error), self.lose(Revocations::Incomplete)]),
        }
        self.position.seq = entry.position.seq;
    }

    fn gap(&mut self) -> [Effect<'static>; 2] {
        let why = "records are missing from it; a new epoch restores them";
        [Effect::Report(Anomaly::Gap, why), self.lose(Revocations::Incomplete)]
    }

    fn lose(&mut self, what: Revocations) -> Effect<'static> {
        Effect::Close(*self.lost.get_or_insert(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(sequence: impl IntoIterator<Item = u64>) -> Vec<LogEntry> {
        let entry =
            |seq| LogEntry { position: LogPosition { epoch: 1, seq }, record: Vec::new(), trace: None };
        sequence.into_iter().map(entry).collect()
    }

    #[test]
    fn an_epoch_that_is_not_above_all_others_closes_until_one_is() {
        let mut state = LogState::new();
        assert_eq!(state.step(&LogReply::Epoch(5)), [Effect::Begin(5), Effect::ReadAgain]);
        for old in [5, 4] {
            let reply = LogReply::Epoch(old);
            let effects = state.step(&reply);
            assert!(matches!(effects[0], Effect::Report(Anomaly::LowerEpoch, _)));
            assert_eq!(effects[1..], [Effect::Close(Revocations::Old), Effect::ReadAgain]);
            assert_eq!(state.read(0, &[]), [Effect::End { complete: false }]);
        }
        assert_eq!(state.step(&LogReply::Epoch(6)), [Effect::Begin(6), Effect::ReadAgain]);
        assert_eq!(state.read(0, &[]), [Effect::End { complete: true }]);
    }

    #[test]
    fn a_log_that_lacks_what_it_names_is_incomplete() {
        let mut state = LogState::new();
        state.begin(1);
        let effects = state.read(3, &[]);
        assert!(matches!(effects[0], Effect::Report(Anomaly::Gap, _)));
        assert_eq!(effects[1..], [Effect::Close(Revocations::Incomplete), Effect::End { complete: false }]);
        assert_eq!(state.position(), LogPosition { epoch: 1, seq: 3 });
    }

    #[test]
    fn a_record_that_is_not_understood_closes_and_is_passed() {
        let mut state = LogState::new();
        state.begin(1);
        let entries = entries([1]);
        let effects = state.read(1, &entries);
        assert!(matches!(effects[0], Effect::NotUnderstood(_)));
        assert_eq!(effects[1..], [Effect::Close(Revocations::Incomplete), Effect::End { complete: false }]);
        assert_eq!(state.position().seq, 1);
    }
}
