//! Verifies the whole chain and reports where it was altered.

use std::fmt;
use std::str::FromStr;

use super::seal::{SEAL_BYTES, Seal, is_sealed};
use super::store::{self, Sealed};
use crate::db::{Connection, DbError};
use crate::keys::DerivedKeys;

/// How many rows are read at once.
const PAGE: i64 = 1000;

/// A position in the chain: a row number and its seal. Stored elsewhere, it proves later that no row up to it
/// is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub(super) seq: i64,
    pub(super) seal: Seal,
}

/// The text is not `<number>:<64 hex digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position must be a number, a colon and 64 hex digits, as printed by `admin audit verify`")]
pub struct NotAPlace;

/// An intact chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The number of rows.
    pub rows: i64,
    /// Its end.
    pub end: Place,
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
    OtherPlace(i64),
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
    known: Vec<Place>,
    at: Place,
    /// The age of the last row's key; see [`DerivedKeys::age`].
    age: usize,
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
    known: Option<Place>,
) -> Result<Chain, VerifyError> {
    // Read first: rows added meanwhile come after it.
    let head = store::head(connection).await?;
    let known = known.into_iter().chain([head]).collect();
    let mut walk = Walk { keys, known, at: Place { seq: 0, seal: [0; SEAL_BYTES] }, age: usize::MAX };
    let mut after = i64::MIN;
    loop {
        let rows = store::rows(connection, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.row.seq;
        rows.iter().try_for_each(|row| walk.step(row))?;
    }
    let now = store::head(connection).await?;
    Ok(walk.finish(now)?)
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
        if !sealed.is_readable || !is_sealed(key, &self.at.seal, &sealed.row, &sealed.seal) {
            return Err(Broken::Changed(seq));
        }
        // An attacker who obtained a replaced key must not be able to continue with it.
        let age = self.keys.age(sealed.key).unwrap_or(usize::MAX);
        if age > self.age {
            return Err(Broken::OldKey { seq, key: sealed.key });
        }
        let seal = Seal::try_from(sealed.seal.as_slice()).map_err(|_| Broken::Changed(seq))?;
        (self.at, self.age) = (Place { seq, seal }, age);
        match self.known.iter().any(|known| known.seq == seq && *known != self.at) {
            true => Err(Broken::OtherPlace(seq)),
            false => Ok(()),
        }
    }

    /// `now` is the stored end, read after all rows: no transaction committed any row beyond it.
    fn finish(self, now: Place) -> Result<Chain, Broken> {
        let end = self.at;
        let furthest = self.known.iter().map(|known| known.seq).max().unwrap_or(0);
        if end.seq < furthest {
            return Err(Broken::End { expected: furthest, found: end.seq });
        }
        if now.seq < end.seq {
            return Err(Broken::End { expected: now.seq, found: end.seq });
        }
        Ok(Chain { rows: end.seq, end })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seq)?;
        self.seal.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let (seq, hex) = text.split_once(':').ok_or(NotAPlace)?;
        if hex.len() != 2 * SEAL_BYTES || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAPlace);
        }
        let mut seal = [0; SEAL_BYTES];
        for (byte, pair) in seal.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotAPlace)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAPlace)?;
        }
        let seq = seq.parse().ok().filter(|seq| *seq >= 0).ok_or(NotAPlace)?;
        Ok(Self { seq, seal })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_survives_its_text(seq in 0..i64::MAX, seal: Seal) {
            let place = Place { seq, seal };
            prop_assert_eq!(place.to_string().parse(), Ok(place));
        }

        #[test]
        fn other_texts_are_refused_without_panic(text: String) {
            prop_assert_eq!(text.parse::<Place>(), Err(NotAPlace));
        }
    }
}
