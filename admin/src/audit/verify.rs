//! Walks the whole chain and says where it was touched.

use std::fmt;
use std::str::FromStr;

use super::seal::{SEAL_BYTES, Seal, is_sealed};
use super::store::{self, Sealed};
use crate::db::{Connection, DbError};
use crate::keys::DerivedKeys;

/// How many rows are read at once.
const PAGE: i64 = 1000;

/// A place in the chain: a row and its seal. Written down elsewhere, it shows later that nothing up to there is
/// gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub(super) seq: i64,
    pub(super) seal: Seal,
}

/// The text is not `<number>:<64 hex digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a place is what `admin audit verify` printed: a number, a colon and 64 hex digits")]
pub struct NotAPlace;

/// A chain that holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// How many rows it has.
    pub rows: i64,
    /// Where it ends.
    pub end: Place,
}

/// Where a chain does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A number is missing.
    #[error("row {0} is missing: it was removed, or its number was changed")]
    Missing(i64),
    /// A row is not what was sealed.
    #[error("row {0} was changed, put there, or moved: it does not fit its seal and the row before it")]
    Changed(i64),
    /// The end of the chain is not what the log remembers.
    #[error(
        "the log ends at row {found}, but {expected} rows were written: the last ones were removed or added"
    )]
    End {
        /// As the head remembers it.
        expected: i64,
        /// The last row.
        found: i64,
    },
    /// A seal of a key that had been replaced.
    #[error("row {seq} is sealed under master key {key}, which a row before it had left for a newer one")]
    OldKey {
        /// The row.
        seq: i64,
        /// The key.
        key: u8,
    },
    /// Another chain than the one that was seen before.
    #[error("row {0} is not the one that was seen before: the log was written anew from there or before")]
    OtherPlace(i64),
    /// A key is missing.
    #[error(
        "row {seq} is sealed under master key {key}, which is not configured; put it back at the end of ADMIN_MASTER_KEYS"
    )]
    KeyMissing {
        /// The row.
        seq: i64,
        /// The key.
        key: u8,
    },
}

/// Why the chain is not known to hold.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It does not.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// No PostgreSQL connection.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A walk along the chain.
struct Walk<'k> {
    keys: &'k DerivedKeys,
    /// Where it has to come through: seen before, and remembered as the end.
    known: Vec<Place>,
    at: Place,
    /// How old the key of the last row is; see [`DerivedKeys::age`].
    age: usize,
}

/// Verifies the chain from its first row to where it ends now, and, when it was seen before, that it still goes
/// through that place.
///
/// # Errors
///
/// [`Broken`] with the first row that does not fit.
pub async fn verify(
    connection: &Connection,
    keys: &DerivedKeys,
    known: Option<Place>,
) -> Result<Chain, VerifyError> {
    // Read first: what is added meanwhile lies behind it.
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
        // Whoever got hold of a key that was replaced must not be able to go on with it.
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

    /// `now` is the end as it is remembered after the walk: rows beyond it are nobody's.
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
