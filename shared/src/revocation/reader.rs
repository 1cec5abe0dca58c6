//! How far a sidecar has read the log, and since when it knows everything that was committed.
//!
//! Pure: [`RevocationReader::step`] takes an answer of the log and the moment at which the question was *sent*, and returns what
//! the driver must carry out, in order. The moment is any ordered value: the sidecar passes its monotonic clock, the
//! model that checks this file passes the number of revocations committed so far.
//!
//! # Certificates
//!
//! The relay *opens* heartbeat `k` in Redis, reads PostgreSQL in a new snapshot, appends what is not in the log, and
//! *closes* `k`. The reader remembers when it asked, and which heartbeat was open then. If an answer shows that `k` is
//! closed and the reader has everything in that log, then every question that saw a heartbeat below `k` was sent before
//! `k` was opened, so before the snapshot. Hence everything that was committed before that question was sent has been
//! read. The latest such moment is the certificate.
//!
//! # Authentic logs
//!
//! A reader that was made by [`RevocationReader::authenticated`] assumes nothing of Redis. It counts a heartbeat as closed only
//! if a signed certificate says so, and only when the records that it read up to the end that the certificate names are those
//! that were signed: all of them, from the beginning or from a signed floor. The certificate also names a number that this
//! reader had made (the driver knows when), so that it is not an old one.
//!
//! All answers must be moments of one history of Redis: another epoch, another history id or another server makes the
//! earlier questions worthless.

mod fault;

use super::history::HistoryId;
use super::log_certificate::LogCertificate;
use super::log_chain::{LogChain, LogIdentity};
use super::log_reply::{LogEntry, LogPart, LogReply};
use super::position::LogPosition;
use super::record::{Record, RecordError};
use super::server_id::ServerId;
pub use fault::LogFault;

/// The most questions that are remembered. In one epoch a relay opens a heartbeat only after it closed the one before,
/// so that two are enough.
const MAX_QUESTIONS: usize = 4;

/// The position in the log, and what is known about its completeness.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RevocationReader<T> {
    position: LogPosition,
    history: Option<HistoryId>,
    /// The master that answered last.
    server: Option<ServerId>,
    /// The highest epoch seen: the log of a lower one is an old history.
    highest_epoch: u64,
    /// A record of this log was missing or not understood, or its epoch is an old one: it certifies nothing.
    is_lost: bool,
    /// Whether there has been a certificate.
    is_certified: bool,
    /// Oldest first, each with another heartbeat.
    questions: Vec<AskedQuestion<T>>,
    /// Only of a reader that assumes nothing of Redis.
    authentic: Option<AuthenticLog<T>>,
}

/// What is known to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct AuthenticLog<T> {
    /// The records up to the position; `None` while it is not known whether the records before it may be missing.
    chain: Option<LogChain>,
    /// The last heartbeat whose certificate agrees with the records, and the moment that it answers.
    closed: Option<(u64, T)>,
}

/// What the driver knows beside an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingProof<T> {
    /// Whether everything else agrees: the role map in use is not older than the one that the answer names, and the clocks are
    /// close to each other.
    pub may_certify: bool,
    /// The certificate of the answer, if its tag is valid for the log that is read; and the moment before this reader made
    /// the last number that the certificate names, if it names one.
    pub certificate: Option<(LogCertificate, Option<T>)>,
}

impl<T> Default for ReadingProof<T> {
    /// Nothing is known, and nothing is certified.
    fn default() -> Self {
        Self { may_certify: false, certificate: None }
    }
}

/// When a question was sent, and the heartbeat that its answer showed as open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct AskedQuestion<T> {
    sent: T,
    opened: u64,
}

/// The next step of the driver.
#[derive(Debug, PartialEq, Eq)]
pub enum ReaderEffect<'r, T> {
    /// Log that an epoch begins.
    Begin(u64),
    /// Apply a record.
    Apply(Record, &'r LogEntry),
    /// Report a record that this version does not understand.
    NotUnderstood(RecordError),
    /// Report what is wrong with the log.
    Report(LogFault),
    /// Close this connection and connect again, perhaps to another server.
    Reconnect,
    /// Read the log again at once.
    ReadAgain,
    /// The log has been read to its end.
    End,
    /// Everything that was committed before this moment has been applied.
    Certified(T),
    /// Whether a log without heartbeats has been read completely: the relay has an earlier release. Never after the
    /// first certificate.
    Uncertified(bool),
}

impl<T> Default for RevocationReader<T> {
    fn default() -> Self {
        Self {
            position: LogPosition { epoch: 0, seq: 0 },
            history: None,
            server: None,
            highest_epoch: 0,
            is_lost: false,
            is_certified: false,
            questions: Vec::new(),
            authentic: None,
        }
    }
}

impl<T: Copy + Ord> RevocationReader<T> {
    /// A reader that believes only what is signed.
    pub fn authenticated() -> Self {
        Self { authentic: Some(AuthenticLog { chain: None, closed: None }), ..Self::default() }
    }

    /// The log that is read, if it has a name.
    pub fn identity(&self) -> Option<LogIdentity> {
        self.history.map(|history| LogIdentity { epoch: self.position.epoch, history })
    }

    /// Whether it waits for a certificate before it can read on: the position is the floor, which must be signed.
    pub fn is_awaiting_floor(&self) -> bool {
        self.history.is_some() && self.authentic.as_ref().is_some_and(|log| log.chain.is_none())
    }

    /// The last entry that was read.
    pub const fn position(&self) -> LogPosition {
        self.position
    }

    /// The history that is read.
    pub const fn history(&self) -> Option<HistoryId> {
        self.history
    }

    /// Whether a log whose last entry is `last` has more to read.
    pub const fn is_behind(&self, last: u64) -> bool {
        self.position.seq < last
    }

    /// Takes the answer to a question that was sent at `sent`. `may_certify` is whether everything else agrees: the
    /// role map in use is not older than the one that the answer names, and the clocks are close to each other.
    pub fn step<'r>(&mut self, sent: T, reply: &'r LogReply, may_certify: bool) -> Vec<ReaderEffect<'r, T>> {
        self.step_signed(sent, reply, &ReadingProof { may_certify, certificate: None })
    }

    /// The same with a certificate, without which an authenticated reader certifies nothing.
    pub fn step_signed<'r>(
        &mut self,
        sent: T,
        reply: &'r LogReply,
        proof: &ReadingProof<T>,
    ) -> Vec<ReaderEffect<'r, T>> {
        match reply {
            LogReply::NotMaster => vec![ReaderEffect::Report(LogFault::NotMaster), ReaderEffect::Reconnect],
            LogReply::NoEpoch => vec![ReaderEffect::Report(LogFault::NoEpoch)],
            LogReply::Epoch { epoch, history } => self.begin(*epoch, *history),
            LogReply::Fork { history } => {
                let is_named = *history != self.history;
                self.restart(self.position.epoch, *history);
                let mut effects = vec![ReaderEffect::Report(LogFault::Fork)];
                // A history that cannot be asked for would be refused again at once.
                effects.extend(is_named.then_some(ReaderEffect::ReadAgain));
                effects
            }
            // It may grow past the position with other records, which must not be missed.
            LogReply::Regressed => {
                self.restart(self.position.epoch, self.history);
                vec![ReaderEffect::Report(LogFault::Regressed), ReaderEffect::ReadAgain]
            }
            // Only records that expired long ago are trimmed, so none of them is missed.
            LogReply::Trimmed(floor) => {
                self.position.seq = *floor;
                if let Some(log) = &mut self.authentic {
                    log.chain = None;
                }
                vec![ReaderEffect::ReadAgain]
            }
            LogReply::Log(part) => self.read(sent, part, proof),
        }
    }

    /// Reads `epoch` from its start; questions to another log certify nothing in this one.
    fn restart(&mut self, epoch: u64, history: Option<HistoryId>) {
        self.position = LogPosition { epoch, seq: 0 };
        self.history = history;
        self.questions.clear();
        let chain = self.identity().map(LogChain::begin);
        if let Some(log) = &mut self.authentic {
            *log = AuthenticLog { chain, closed: None };
        }
    }

    /// An epoch that is not above every earlier one is not certified: Redis or PostgreSQL was reset to an earlier
    /// state. Its records are applied, because a union is always safe.
    fn begin<'r>(&mut self, epoch: u64, history: Option<HistoryId>) -> Vec<ReaderEffect<'r, T>> {
        let before = self.position.epoch;
        self.restart(epoch, history);
        if epoch > self.highest_epoch {
            self.highest_epoch = epoch;
            self.is_lost = false;
            return vec![ReaderEffect::Begin(epoch), ReaderEffect::ReadAgain];
        }
        let mut effects = vec![ReaderEffect::Report(LogFault::LowerEpoch)];
        effects.extend(self.lose());
        // So would an epoch that is not written as this release writes it.
        effects.extend((epoch != before).then_some(ReaderEffect::ReadAgain));
        effects
    }

    /// The entries follow the position. The answer is atomic: what is missing from it is missing from the log.
    ///
    /// A log that is incomplete, or has records that this version does not understand, certifies nothing until a new
    /// epoch replaces it.
    fn read<'r>(&mut self, sent: T, part: &'r LogPart, proof: &ReadingProof<T>) -> Vec<ReaderEffect<'r, T>> {
        if part.server != self.server {
            // A server that was promoted may lack heartbeats that the other one has, under the same epoch.
            self.questions.clear();
            self.server = part.server;
        }
        let mut effects = Vec::with_capacity(part.entries.len() + 2);
        let certificate = proof.certificate.as_ref();
        self.take_floor(certificate);
        if self.is_awaiting_floor() {
            self.remember(sent, part.opened);
            return effects;
        }
        effects.extend(self.compare(certificate));
        for entry in &part.entries {
            if !self.is_next(entry) {
                effects.push(ReaderEffect::Report(LogFault::Gap));
                effects.extend(self.lose());
            }
            self.pass(entry, &mut effects);
            effects.extend(self.compare(certificate));
        }
        if part.entries.is_empty() && self.is_behind(part.last) {
            effects.push(ReaderEffect::Report(LogFault::Gap));
            effects.extend(self.lose());
            self.position.seq = part.last;
        }
        if !self.is_behind(part.last) {
            effects.push(ReaderEffect::End);
            if !self.is_lost && proof.may_certify {
                effects.extend(self.certify(part.closed));
            }
        }
        self.remember(sent, part.opened);
        effects
    }

    /// The position is a signed floor: nothing before it is needed.
    fn take_floor(&mut self, certificate: Option<&(LogCertificate, Option<T>)>) {
        let Some(log) = self.authentic.as_mut().filter(|log| log.chain.is_none()) else { return };
        let floor = certificate.filter(|(certificate, _)| certificate.floor == self.position.seq);
        log.chain = floor.map(|(certificate, _)| certificate.floor_chain);
    }

    /// If the position is the end that a certificate names, its heartbeat is closed, or the records are others.
    fn compare<'r>(&mut self, certificate: Option<&(LogCertificate, Option<T>)>) -> Vec<ReaderEffect<'r, T>> {
        let (Some(log), Some((signed, answered))) = (&mut self.authentic, certificate) else {
            return Vec::new();
        };
        if signed.seq != self.position.seq {
            return Vec::new();
        }
        if log.chain == Some(signed.chain) {
            let newer = answered.map(|moment| (signed.beat, moment));
            log.closed = log.closed.max(newer);
            return Vec::new();
        }
        let mut effects = vec![ReaderEffect::Report(LogFault::Altered)];
        effects.extend(self.lose());
        effects
    }

    fn certify<'r>(&mut self, closed: u64) -> Option<ReaderEffect<'r, T>> {
        let (closed, answered) = match &self.authentic {
            None => (closed, None),
            Some(log) => log.closed.map(|(beat, moment)| (beat, Some(moment)))?,
        };
        if self.history.is_none() {
            let is_believed = self.authentic.is_none() && !self.is_certified;
            return is_believed.then_some(ReaderEffect::Uncertified(true));
        }
        self.server?;
        let since = self.questions.iter().filter(|question| question.opened < closed);
        let since = since.map(|question| question.sent).max()?;
        self.questions.retain(|question| question.opened >= closed);
        self.is_certified = true;
        Some(ReaderEffect::Certified(answered.map_or(since, |answered| since.min(answered))))
    }

    /// Of several questions that saw the same heartbeat the last one is the best.
    fn remember(&mut self, sent: T, opened: u64) {
        match self.questions.iter_mut().find(|question| question.opened == opened) {
            Some(question) => question.sent = question.sent.max(sent),
            None => {
                // Forgetting one only delays a certificate.
                if self.questions.len() == MAX_QUESTIONS {
                    self.questions.remove(0);
                }
                self.questions.push(AskedQuestion { sent, opened });
            }
        }
    }

    /// Entries of a page are applied up to the first gap. The page was not read atomically with the floor: missing
    /// entries may have been trimmed or lost. The next answer of the script says which.
    pub fn read_page<'r>(&mut self, entries: &'r [LogEntry]) -> Vec<ReaderEffect<'r, T>> {
        let mut effects = vec![ReaderEffect::ReadAgain];
        if self.is_awaiting_floor() {
            return effects;
        }
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

    fn pass<'r>(&mut self, entry: &'r LogEntry, effects: &mut Vec<ReaderEffect<'r, T>>) {
        match Record::decode(&entry.record) {
            Ok(record) => effects.push(ReaderEffect::Apply(record, entry)),
            Err(error) => {
                effects.push(ReaderEffect::NotUnderstood(error));
                effects.extend(self.lose());
            }
        }
        self.position.seq = entry.position.seq;
        if let Some(log) = &mut self.authentic {
            log.chain = log.chain.map(|chain| chain.after(&entry.record));
        }
    }

    fn lose<'r>(&mut self) -> Option<ReaderEffect<'r, T>> {
        self.is_lost = true;
        (!self.is_certified).then_some(ReaderEffect::Uncertified(false))
    }
}

#[cfg(test)]
mod tests;
