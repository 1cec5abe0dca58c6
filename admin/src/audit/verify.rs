//! Walks the whole chain and says where it was touched.

use std::fmt;
use std::str::FromStr;

use super::seal::{SEAL_BYTES, Seal, is_sealed};
use super::store::{self, Sealed};
use crate::db::{Connection, DbError};
use crate::keys::DerivedKeys;

/// How many rows are read at once.
const PAGE: i64 = 1000;

/// A place in the chain: a row, and a part of its seal. Written down elsewhere, it shows later that nothing up to
/// there is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    seq: i64,
    seal: Seal,
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
    /// PostgreSQL.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A walk along the chain.
struct Walk<'k> {
    keys: &'k DerivedKeys,
    known: Option<Place>,
    at: Place,
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
    let (expected, seal) = store::head(connection).await?;
    let mut walk = Walk { keys, known, at: Place { seq: 0, seal: [0; SEAL_BYTES] } };
    loop {
        let rows = store::rows(connection, walk.at.seq, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            walk.step(&row)?;
        }
    }
    // Reached: the rows up to the head are there, and the head's own seal is checked against its row.
    let head = Place { seq: expected, seal };
    walk.finish(connection, head).await
}

impl Walk<'_> {
    fn step(&mut self, sealed: &Sealed) -> Result<(), Broken> {
        let seq = self.at.seq.saturating_add(1);
        if sealed.row.seq != seq {
            return Err(Broken::Missing(seq));
        }
        let key = self.keys.find(sealed.key).ok_or(Broken::KeyMissing { seq, key: sealed.key })?;
        if !is_sealed(key, &self.at.seal, &sealed.row, &sealed.seal) {
            return Err(Broken::Changed(seq));
        }
        let seal = Seal::try_from(sealed.seal.as_slice()).map_err(|_| Broken::Changed(seq))?;
        self.at = Place { seq, seal };
        match self.known {
            Some(known) if known.seq == seq && known != self.at => Err(Broken::OtherPlace(seq)),
            _ => Ok(()),
        }
    }

    async fn finish(self, connection: &Connection, head: Place) -> Result<Chain, VerifyError> {
        let end = self.at;
        let short = |expected| Broken::End { expected, found: end.seq };
        if end.seq < head.seq {
            return Err(short(head.seq).into());
        }
        if let Some(known) = self.known.filter(|known| known.seq > end.seq) {
            return Err(short(known.seq).into());
        }
        // Rows beyond the head that was read first were added since, or nobody's: the head of now tells.
        let (now, seal) = store::head(connection).await?;
        if now < end.seq || (now == end.seq && seal != end.seal) {
            return Err(short(now).into());
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
