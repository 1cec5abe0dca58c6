//! Verifies the whole chain and reports where it was altered.

use super::retention::{self, ChainStart};
use super::seal::{ChainPosition, RowState, SEAL_BYTES, Seal, is_start, state};
use super::store::{self, Sealed};
use crate::db::{Connection, DbError};
use crate::keys::DerivedKeys;

/// How many rows are read at once.
const PAGE: i64 = 1000;

/// An intact chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The number of rows.
    pub rows: i64,
    /// The last row that was dropped because its retention is over; 0 for none.
    pub dropped: i64,
    /// How many personal fields were erased.
    pub erased: u64,
    /// Its end.
    pub end: ChainPosition,
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A row number is missing.
    #[error("row {0} is missing: it was removed, or its number was changed")]
    Missing(i64),
    /// A row does not match its seal.
    #[error("row {0} was changed, inserted or moved: it does not match its seal and the previous row")]
    Changed(i64),
    /// The end of the chain is not the stored one.
    #[error(
        "the log ends at row {found}, but {expected} rows were written: the last rows were removed or added"
    )]
    End {
        /// The stored end.
        expected: i64,
        /// The last row found.
        found: i64,
    },
    /// The stored beginning is not sealed.
    #[error("the log is said to begin after row {0}, but this is not sealed: its first rows were removed")]
    Start(i64),
    /// A position seen before is of a row that was dropped.
    #[error("row {0} was dropped, because its retention is over; use a later position")]
    Dropped(i64),
    /// A seal with a key that had been replaced before.
    #[error("row {seq} is sealed with master key {key}, but an earlier row already used a newer key")]
    OldKey {
        /// The row.
        seq: i64,
        /// The key.
        key: u8,
    },
    /// Not the chain that was seen before.
    #[error("row {0} differs from the one seen before: the log was rewritten from there or earlier")]
    OtherChain(i64),
    /// A key is missing.
    #[error(
        "row {seq} is sealed with master key {key}, which is not configured; append it to ADMIN_MASTER_KEYS \
        again"
    )]
    KeyMissing {
        /// The row.
        seq: i64,
        /// The key.
        key: u8,
    },
}

/// Why the chain could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The chain is broken.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A verification in progress.
struct Walk<'k> {
    keys: &'k DerivedKeys,
    /// Positions that the chain must pass through: seen before, and the stored end.
    known: Vec<ChainPosition>,
    at: ChainPosition,
    /// The age of the last row's key; see [`DerivedKeys::age`].
    age: usize,
    erased: u64,
}

/// Verifies the chain from its first row to its current end. With a position seen before, also that the chain
/// still passes through it.
///
/// # Errors
///
/// [`Broken`] with the first row that does not match.
pub async fn verify(
    connection: &Connection,
    keys: &DerivedKeys,
    known: Option<ChainPosition>,
) -> Result<Chain, VerifyError> {
    loop {
        let start = retention::start(connection).await?;
        let verified = verify_from(connection, keys, known, start.as_ref()).await;
        // A month may have been dropped meanwhile.
        let is_same = retention::start(connection).await?.map(|start| start.last_dropped.seq)
            == start.map(|start| start.last_dropped.seq);
        if is_same || verified.is_ok() {
            return verified;
        }
    }
}

async fn verify_from(
    connection: &Connection,
    keys: &DerivedKeys,
    known: Option<ChainPosition>,
    start: Option<&ChainStart>,
) -> Result<Chain, VerifyError> {
    // Read first: rows added meanwhile come after it.
    let head = store::head(connection).await?;
    let at = begin(keys, start)?;
    let known: Vec<_> = known.into_iter().chain([head]).collect();
    if let Some(known) = known.iter().find(|known| known.seq < at.seq) {
        return Err(Broken::Dropped(known.seq).into());
    }
    let dropped = at.seq;
    let mut walk = Walk { keys, known, at, age: usize::MAX, erased: 0 };
    walk.check_known()?;
    let mut after = i64::MIN;
    loop {
        let rows = store::rows(connection, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.row.seq;
        rows.iter().try_for_each(|row| walk.step(row))?;
    }
    let now = store::head(connection).await?;
    Ok(walk.finish(now, dropped)?)
}

/// The position after which the chain begins.
fn begin(keys: &DerivedKeys, start: Option<&ChainStart>) -> Result<ChainPosition, Broken> {
    let Some(start) = start else { return Ok(ChainPosition { seq: 0, seal: [0; SEAL_BYTES] }) };
    let seq = start.last_dropped.seq;
    let key = keys.find(start.key).ok_or(Broken::KeyMissing { seq, key: start.key })?;
    if is_start(key, start.last_dropped, &start.seal) {
        Ok(start.last_dropped)
    } else {
        Err(Broken::Start(seq))
    }
}

impl Walk<'_> {
    fn step(&mut self, sealed: &Sealed) -> Result<(), Broken> {
        let seq = self.at.seq.saturating_add(1);
        if sealed.row.seq < seq {
            return Err(Broken::Changed(sealed.row.seq));
        }
        if sealed.row.seq > seq {
            return Err(Broken::Missing(seq));
        }
        let key = self.keys.find(sealed.key).ok_or(Broken::KeyMissing { seq, key: sealed.key })?;
        let RowState::Sealed { erased } = state(key, &self.at.seal, &sealed.row, &sealed.seal) else {
            return Err(Broken::Changed(seq));
        };
        if !sealed.is_readable {
            return Err(Broken::Changed(seq));
        }
        // An attacker who obtained a replaced key must not be able to continue with it.
        let age = self.keys.age(sealed.key).unwrap_or(usize::MAX);
        if age > self.age {
            return Err(Broken::OldKey { seq, key: sealed.key });
        }
        let seal = Seal::try_from(sealed.seal.as_slice()).map_err(|_| Broken::Changed(seq))?;
        (self.at, self.age) = (ChainPosition { seq, seal }, age);
        self.erased = self.erased.saturating_add(erased);
        self.check_known()
    }

    /// Checks that no known position is another row than this one.
    fn check_known(&self) -> Result<(), Broken> {
        match self.known.iter().any(|known| known.seq == self.at.seq && *known != self.at) {
            true => Err(Broken::OtherChain(self.at.seq)),
            false => Ok(()),
        }
    }

    /// `now` is the stored end, read after all rows: no transaction committed any row beyond it.
    fn finish(self, now: ChainPosition, dropped: i64) -> Result<Chain, Broken> {
        let end = self.at;
        let furthest = self.known.iter().map(|known| known.seq).max().unwrap_or(0);
        if end.seq < furthest {
            return Err(Broken::End { expected: furthest, found: end.seq });
        }
        if now.seq < end.seq {
            return Err(Broken::End { expected: now.seq, found: end.seq });
        }
        Ok(Chain { rows: end.seq.saturating_sub(dropped), dropped, erased: self.erased, end })
    }
}
