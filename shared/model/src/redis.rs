//! One Redis, as far as the scripts of the protocol see it.
//!
//! A property test compares each function with its script on a real server.

use shared::revocation::{
    HistoryId, Kind, LogEntry, LogPart, LogPosition, LogReply, Reason, Record, RecordKey, ServerId, Until,
};

/// The version of the role map: it never changes here.
pub const ROLES: u64 = 1;

/// Everything that Redis has under the keys of the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelRedis {
    /// The hash; `None` if it does not exist.
    pub meta: Option<ModelMeta>,
    /// The stream.
    pub log: Vec<ModelEntry>,
    /// The last id that the stream ever had.
    pub last_id: LogPosition,
}

/// The fields of `meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelMeta {
    /// The epoch.
    pub epoch: u64,
    /// The last record.
    pub seq: u64,
    /// The highest record that may have been trimmed.
    pub floor: u64,
    /// The history.
    pub history: HistoryId,
    /// The last heartbeat that was opened.
    pub opened: Option<u64>,
    /// The last heartbeat that was closed.
    pub closed: Option<u64>,
}

/// A record in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelEntry {
    /// Its id.
    pub at: LogPosition,
    /// The row of PostgreSQL that it is from.
    pub row: u8,
}

/// The errors of the scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScriptError {
    /// Another epoch, or none.
    Epoch(Option<u64>),
    /// Another log.
    Fork,
    /// An error of Redis itself.
    Error,
}

/// What a script that writes returns.
pub type ScriptResult = Result<(), ScriptError>;

/// How the end of the log must be.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedEnd {
    /// Epoch and last record.
    pub at: LogPosition,
    /// The history.
    pub history: HistoryId,
}

impl Default for ModelRedis {
    fn default() -> Self {
        Self { meta: None, log: Vec::new(), last_id: LogPosition { epoch: 0, seq: 0 } }
    }
}

/// The record of a row.
pub fn record(row: u8) -> Record {
    Record {
        kind: Kind::Token,
        reason: Reason::Revoked,
        until: Until::Never,
        key: RecordKey::from_bytes([row; 16]),
        argument: 0,
    }
}

/// The row of a record.
pub const fn row(record: &Record) -> u8 {
    record.key.as_bytes()[0]
}

impl ModelRedis {
    /// `highest.lua`, with the reading of its answer: the highest epoch.
    pub fn highest(&self) -> u64 {
        self.meta.map_or(0, |meta| meta.epoch).max(self.last_id.epoch)
    }

    /// `clear.lua` until nothing is left.
    ///
    /// # Errors
    ///
    /// When `meta` has this epoch or a higher one.
    pub fn clear(&mut self, epoch: u64) -> ScriptResult {
        self.is_below(epoch)?;
        let current = self.meta.map_or(0, |meta| meta.epoch);
        self.log.retain(|entry| entry.at.epoch >= epoch || (entry.at.epoch <= current && current > 0));
        Ok(())
    }

    /// `load.lua`.
    ///
    /// # Errors
    ///
    /// When `meta` has this epoch or a higher one, or the records do not end at `at`.
    pub fn load(&mut self, at: LogPosition, rows: &[u8]) -> ScriptResult {
        self.is_below(at.epoch)?;
        if !self.ends_at(at) {
            return Err(ScriptError::Fork);
        }
        self.add(at, rows)
    }

    /// `open.lua`.
    ///
    /// # Errors
    ///
    /// When `meta` has this epoch or a higher one, or the records are not complete.
    pub fn open(&mut self, expected: ExpectedEnd) -> ScriptResult {
        let at = expected.at;
        self.is_below(at.epoch)?;
        let first = self.log.iter().find(|entry| entry.at.epoch >= at.epoch);
        let begins = at.seq == 0 || first.is_some_and(|first| first.at == LogPosition { seq: 1, ..at });
        if !begins || !self.ends_at(at) {
            return Err(ScriptError::Fork);
        }
        self.meta = Some(ModelMeta {
            epoch: at.epoch,
            seq: at.seq,
            floor: 0,
            history: expected.history,
            opened: None,
            closed: None,
        });
        self.log.retain(|entry| entry.at.epoch >= at.epoch);
        Ok(())
    }

    /// `beat.lua` on a server that has not been a replica.
    ///
    /// # Errors
    ///
    /// When the log is not as expected, or a later heartbeat was opened.
    pub fn beat(&mut self, expected: ExpectedEnd, beat: u64) -> ScriptResult {
        let meta = self.compare(expected)?;
        if meta.opened.is_some_and(|opened| opened >= beat) {
            return Err(ScriptError::Fork);
        }
        meta.opened = Some(beat);
        Ok(())
    }

    /// What `beat.lua` would do if heartbeats need not grow.
    ///
    /// # Errors
    ///
    /// When the log is not as expected.
    pub fn beat_of_any_number(&mut self, expected: ExpectedEnd, beat: u64) -> ScriptResult {
        self.compare(expected)?.opened = Some(beat);
        Ok(())
    }

    /// `append.lua` on a server that has not been a replica.
    ///
    /// # Errors
    ///
    /// When the log is not as expected, or another heartbeat is open.
    pub fn append(&mut self, expected: ExpectedEnd, rows: &[u8], closes: Option<u64>) -> ScriptResult {
        let meta = self.compare(expected)?;
        if closes.is_some() && meta.opened != closes {
            return Err(ScriptError::Fork);
        }
        self.append_without_compare(expected.at, rows, closes)
    }

    /// What `append.lua` would do without its conditions.
    ///
    /// # Errors
    ///
    /// When Redis refuses an id that is not above the last one.
    pub fn append_without_compare(
        &mut self,
        at: LogPosition,
        rows: &[u8],
        closes: Option<u64>,
    ) -> ScriptResult {
        self.add(at, rows)?;
        if let Some(meta) = &mut self.meta {
            if !rows.is_empty() {
                meta.seq = at.seq + rows.len() as u64;
            }
            if closes.is_some() {
                meta.closed = closes;
            }
        }
        Ok(())
    }

    /// `trim.lua`.
    ///
    /// # Errors
    ///
    /// When `meta` has another epoch.
    pub fn trim(&mut self, epoch: u64, floor: u64) -> ScriptResult {
        self.raise_floor(epoch, floor)?;
        self.drop_to(LogPosition { epoch, seq: floor });
        Ok(())
    }

    /// The first half of `trim.lua`.
    ///
    /// # Errors
    ///
    /// When `meta` has another epoch.
    pub fn raise_floor(&mut self, epoch: u64, floor: u64) -> ScriptResult {
        let found = self.meta.map(|meta| meta.epoch);
        match &mut self.meta {
            Some(meta) if meta.epoch == epoch => meta.floor = floor,
            Some(_) | None => return Err(ScriptError::Epoch(found)),
        }
        Ok(())
    }

    /// The second half of `trim.lua`.
    pub fn drop_to(&mut self, floor: LogPosition) {
        self.log.retain(|entry| entry.at > floor);
    }

    /// `sync.lua` on this master, with the reading of its answer, for at most `most` entries.
    pub fn sync(
        &self,
        server: ServerId,
        at: LogPosition,
        history: Option<HistoryId>,
        most: usize,
    ) -> LogReply {
        let Some(meta) = self.meta else { return LogReply::NoEpoch };
        let theirs = Some(meta.history);
        if meta.epoch != at.epoch {
            return LogReply::Epoch { epoch: meta.epoch, history: theirs };
        }
        if history != theirs {
            return LogReply::Fork { history: theirs };
        }
        if at.seq > meta.seq {
            return LogReply::Regressed;
        }
        if at.seq < meta.floor {
            return LogReply::Trimmed(meta.floor);
        }
        let end = LogPosition { seq: meta.seq, ..at };
        let after = self.log.iter().filter(|entry| entry.at > at && entry.at <= end);
        let read = |entry: &ModelEntry| LogEntry {
            position: entry.at,
            record: record(entry.row).encode().to_vec(),
            trace: None,
        };
        LogReply::Log(LogPart {
            server: Some(server),
            last: meta.seq,
            time: 0,
            roles: Some(ROLES),
            opened: meta.opened.unwrap_or(0),
            closed: meta.closed.unwrap_or(0),
            entries: after.take(most).map(read).collect(),
            certificate: Vec::new(),
            roles_tags: Vec::new(),
        })
    }

    /// `difference` of `log_end.lua`, without the role map.
    fn compare(&mut self, expected: ExpectedEnd) -> Result<&mut ModelMeta, ScriptError> {
        let at = expected.at;
        let ends = self.ends_at(at);
        let length = self.log.len() as u64;
        match &mut self.meta {
            None => Err(ScriptError::Epoch(None)),
            Some(meta) if meta.epoch != at.epoch => Err(ScriptError::Epoch(Some(meta.epoch))),
            Some(meta) if meta.history != expected.history || meta.seq != at.seq || !ends => {
                Err(ScriptError::Fork)
            }
            Some(meta) if length < at.seq.saturating_sub(meta.floor) => Err(ScriptError::Fork),
            Some(meta) => Ok(meta),
        }
    }

    fn is_below(&self, epoch: u64) -> ScriptResult {
        match self.meta {
            Some(meta) if meta.epoch >= epoch => Err(ScriptError::Epoch(Some(meta.epoch))),
            Some(_) | None => Ok(()),
        }
    }

    /// `ends_at` of `log_end.lua`.
    const fn ends_at(&self, at: LogPosition) -> bool {
        if at.seq > 0 {
            self.last_id.epoch == at.epoch && self.last_id.seq == at.seq
        } else {
            self.last_id.epoch < at.epoch
        }
    }

    fn add(&mut self, at: LogPosition, rows: &[u8]) -> ScriptResult {
        for (row, seq) in rows.iter().zip(at.seq + 1..) {
            let id = LogPosition { seq, ..at };
            if id <= self.last_id {
                return Err(ScriptError::Error);
            }
            self.last_id = id;
            self.log.push(ModelEntry { at: id, row: *row });
        }
        Ok(())
    }
}
