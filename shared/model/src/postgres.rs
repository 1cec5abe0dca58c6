//! The modelled PostgreSQL: the revocations, and who may relay them.

use shared::revocation::{HistoryId, LogPosition};

/// The tables behind the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Postgres {
    /// By identifier.
    pub rows: Vec<Row>,
    /// The rows in the order of their commits.
    pub commits: Vec<u8>,
    /// The latest epoch.
    pub epoch: u64,
    /// The heartbeats that were opened.
    pub beats: u8,
    /// The relay that holds the lock.
    pub lock: Option<usize>,
    /// What a relay left that stopped as planned.
    pub handover: Option<ModelHandover>,
}

/// The epoch that a relay leaves to the next one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelHandover {
    pub(crate) at: LogPosition,
    pub(crate) replication: u8,
    pub(crate) log: Vec<u8>,
    pub(crate) floor: u64,
}

/// A revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Row {
    /// Whether others can see it.
    pub is_committed: bool,
    /// Whether it has ended.
    pub is_expired: bool,
    /// The epoch in which it was published.
    pub published: Option<u64>,
}

impl Postgres {
    /// Whether everything that was committed before the moment, and has not ended, is in the set.
    pub(crate) fn holds(&self, since: u8, applied: u8) -> Result<(), &'static str> {
        let missing = |row: &&u8| !self.rows[usize::from(**row)].is_expired && applied & (1 << **row) == 0;
        let is_complete = self.commits.iter().take(since.into()).find(missing).is_none();
        if is_complete { Ok(()) } else { Err("everything committed before a certificate is applied") }
    }
}

impl Row {
    /// Whether the relay must publish it.
    pub const fn is_unpublished(&self) -> bool {
        self.is_committed && !self.is_expired && self.published.is_none()
    }
}

/// The history of an epoch: epochs are never taken twice here.
pub fn history(epoch: u64) -> HistoryId {
    HistoryId::from_bytes(u128::from(epoch).to_be_bytes())
}
