//! The answers of the script that reads the log, as values.

use super::history::HistoryId;
use super::position::LogPosition;
use super::server_id::ServerId;

/// An answer of [`scripts::SYNC`](super::scripts::SYNC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogReply {
    /// The server is a replica; it may be behind.
    NotMaster,
    /// There is no log.
    NoEpoch,
    /// The log is of another epoch.
    Epoch {
        /// Its number.
        epoch: u64,
        /// Its history; none if a relay of an earlier release filled it.
        history: Option<HistoryId>,
    },
    /// The log has the epoch of the reader, but another history.
    Fork {
        /// The other history.
        history: Option<HistoryId>,
    },
    /// The log ends before the position.
    Regressed,
    /// The position is before the oldest entry that is left; the log begins after this sequence number.
    Trimmed(u64),
    /// The entries after the position.
    Log(LogPart),
}

/// A part of the log, and the state of the log when it was read: one atomic answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPart {
    /// The master that answered; none if it does not say.
    pub server: Option<ServerId>,
    /// The last sequence number appended.
    pub last: u64,
    /// The clock of Redis, in seconds since the Unix epoch.
    pub time: u64,
    /// The version of the current role map, if one is named.
    pub roles: Option<u64>,
    /// The number of the last heartbeat that was opened; 0 for none.
    pub opened: u64,
    /// The number of the last heartbeat that was closed; 0 for none.
    pub closed: u64,
    /// In order.
    pub entries: Vec<LogEntry>,
    /// The certificate of the last heartbeat that was closed, as it is in Redis; empty if there is none.
    pub certificate: Vec<u8>,
    /// The tags of the role map; empty if there are none.
    pub roles_tags: Vec<u8>,
}

/// An entry of the log, not yet decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its id.
    pub position: LogPosition,
    /// The bytes of the record.
    pub record: Vec<u8>,
    /// The trace that it is part of, as its publisher wrote it.
    pub trace: Option<Vec<u8>>,
}
