//! A binding to one history of Redis, in one epoch. Unusable after its first error.

use shared::revocation::{LogPosition, Record};

use super::log::{Log, LogError};
use super::needed::Needed;
use super::traces::Traces;

/// A binding to one history of Redis, in one epoch.
pub(super) struct Binding {
    pub(super) log: Log,
    /// The end of the log.
    pub(super) at: LogPosition,
    /// The position up to which it was trimmed.
    pub(super) floor: u64,
    pub(super) needed: Needed,
    /// The version of the role map in Redis.
    pub(super) roles: u64,
}

impl Binding {
    /// While filling.
    pub(super) async fn load(&mut self, records: &[Record]) -> Result<(), LogError> {
        self.log.load(self.at, records).await?;
        self.advance(records);
        Ok(())
    }

    /// While live.
    pub(super) async fn append(&mut self, records: &[Record], traces: &Traces) -> Result<(), LogError> {
        self.log.append(self.at, records, self.roles, traces).await?;
        self.advance(records);
        Ok(())
    }

    fn advance(&mut self, records: &[Record]) {
        self.needed.note(self.at, records);
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.at.seq = self.at.seq.saturating_add(count);
    }
}
