//! The seal of one row: HMAC-SHA256 over the previous seal and all columns, each with its length.
//!
//! Format 2 has the commitments to the personal fields in place of the fields. Rows of format 1, from before, are still
//! verified by their own format.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use uuid::Uuid;

use super::personal::{Commitment, Entropy, FieldState, PersonalField};
use crate::keys::DerivedKeys;

/// The length of a seal in bytes.
pub(super) const SEAL_BYTES: usize = 32;

/// A seal; all zeroes before the first row.
pub(super) type Seal = [u8; SEAL_BYTES];

/// A position in the chain: a row number and its seal. Stored elsewhere, it proves later that no row up to it
/// is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainPosition {
    pub(super) seq: i64,
    pub(super) seal: Seal,
}

/// The text is not `<number>:<64 hex digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position must be a number, a colon and 64 hex digits, as printed by `admin audit verify`")]
pub struct NotAChainPosition;

/// The format of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SealFormat {
    /// Over all fields.
    Plain,
    /// Over commitments to the personal fields.
    Committed,
}

/// All columns of a row, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuditRow {
    pub(super) seq: i64,
    pub(super) occurred_at: Timestamp,
    pub(super) actor_kind: String,
    pub(super) actor_id: Option<Uuid>,
    pub(super) action: String,
    pub(super) target_kind: String,
    pub(super) target_id: String,
    pub(super) format: SealFormat,
    /// The JSON text, byte for byte.
    pub(super) detail: String,
    pub(super) address: Option<IpAddr>,
    pub(super) address_commitment: Commitment,
    /// What people wrote: a JSON text, byte for byte.
    pub(super) texts: Option<String>,
    pub(super) texts_commitment: Commitment,
    pub(super) request_id: Option<String>,
}

/// What the seal of a row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowState {
    /// The row is as it was written, but for so many personal fields that were erased.
    Sealed { erased: u64 },
    /// It is not.
    Changed,
}

impl SealFormat {
    /// The stored number.
    pub(super) const fn number(self) -> i16 {
        match self {
            Self::Plain => 1,
            Self::Committed => 2,
        }
    }

    /// By its stored number.
    pub(super) fn of_number(number: i16) -> Option<Self> {
        [Self::Plain, Self::Committed].into_iter().find(|format| format.number() == number)
    }
}

impl AuditRow {
    /// The row, committed to its personal fields.
    pub(super) fn committed(mut self, entropy: &Entropy) -> Self {
        let address = self.address.map(|address| address.to_string());
        self.address_commitment = PersonalField::Address.commit(entropy, self.seq, address.as_deref());
        self.texts_commitment = PersonalField::Texts.commit(entropy, self.seq, self.texts.as_deref());
        self.format = SealFormat::Committed;
        self
    }

    /// How the personal fields agree with their commitments.
    fn personal_fields(&self) -> [FieldState; 2] {
        let address = self.address.map(|address| address.to_string());
        [
            PersonalField::Address.check(&self.address_commitment, address.as_deref()),
            PersonalField::Texts.check(&self.texts_commitment, self.texts.as_deref()),
        ]
    }
}

/// Seals `row` after `before` with the newest key, and returns the key's number first.
pub(super) fn seal(keys: &DerivedKeys, before: &Seal, row: &AuditRow) -> (u8, Seal) {
    sign(keys, &message(before, row))
}

/// Seals where the chain begins after rows were dropped.
pub(super) fn seal_start(keys: &DerivedKeys, last_dropped: ChainPosition) -> (u8, Seal) {
    sign(keys, &start_message(last_dropped))
}

/// Whether `seal` is that of the beginning after `last_dropped`, in constant time.
pub(super) fn is_start(key: &hmac::Key, last_dropped: ChainPosition, seal: &[u8]) -> bool {
    hmac::verify(key, &start_message(last_dropped), seal).is_ok()
}

fn sign(keys: &DerivedKeys, message: &[u8]) -> (u8, Seal) {
    let number = keys.current();
    let key = keys.find(number).expect("the newest key is one of the keys");
    let tag = hmac::sign(key, message);
    let mut seal = [0; SEAL_BYTES];
    seal.copy_from_slice(tag.as_ref());
    (number, seal)
}

/// Whether `seal` is the seal of `row` after `before`, in constant time, and the personal fields agree with it.
pub(super) fn state(key: &hmac::Key, before: &Seal, row: &AuditRow, seal: &[u8]) -> RowState {
    if hmac::verify(key, &message(before, row), seal).is_err() {
        return RowState::Changed;
    }
    match row.format {
        // A text or a commitment that the seal does not cover was added later.
        SealFormat::Plain => {
            let none = Commitment::default();
            let is_plain =
                row.texts.is_none() && row.address_commitment == none && row.texts_commitment == none;
            if is_plain { RowState::Sealed { erased: 0 } } else { RowState::Changed }
        }
        SealFormat::Committed => {
            let fields = row.personal_fields();
            if fields.contains(&FieldState::Wrong) {
                return RowState::Changed;
            }
            let erased = fields.iter().filter(|state| **state == FieldState::Erased).count();
            RowState::Sealed { erased: erased as u64 }
        }
    }
}

/// No message of a row is one of these: it is shorter than any, which has ten parts with a length each.
fn start_message(last_dropped: ChainPosition) -> Vec<u8> {
    [b"start".as_slice(), &last_dropped.seq.to_be_bytes(), &last_dropped.seal].concat()
}

fn message(before: &Seal, row: &AuditRow) -> Vec<u8> {
    let mut message = before.to_vec();
    if row.format == SealFormat::Committed {
        // A message of format 1 has 0 or 1 here.
        message.push(2);
    }
    let mut add = |part: Option<&[u8]>| {
        // Null and the empty text are distinct, and no column can run into the next.
        message.push(u8::from(part.is_some()));
        let part = part.unwrap_or_default();
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    };
    add(Some(&row.seq.to_be_bytes()));
    add(Some(&row.occurred_at.as_microsecond().to_be_bytes()));
    add(Some(row.actor_kind.as_bytes()));
    add(row.actor_id.as_ref().map(|id| id.as_bytes().as_slice()));
    add(Some(row.action.as_bytes()));
    add(Some(row.target_kind.as_bytes()));
    add(Some(row.target_id.as_bytes()));
    add(Some(row.detail.as_bytes()));
    match row.format {
        SealFormat::Plain => {
            add(row.address.map(|address| address.to_string()).as_ref().map(String::as_bytes));
        }
        SealFormat::Committed => {
            add(row.address_commitment.digest.as_deref());
            add(row.texts_commitment.digest.as_deref());
        }
    }
    add(row.request_id.as_ref().map(String::as_bytes));
    message
}

impl fmt::Display for ChainPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seq)?;
        self.seal.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for ChainPosition {
    type Err = NotAChainPosition;

    fn from_str(text: &str) -> Result<Self, NotAChainPosition> {
        let (seq, hex) = text.split_once(':').ok_or(NotAChainPosition)?;
        if hex.len() != 2 * SEAL_BYTES || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAChainPosition);
        }
        let mut seal = [0; SEAL_BYTES];
        for (byte, pair) in seal.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotAChainPosition)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAChainPosition)?;
        }
        let seq = seq.parse().ok().filter(|seq| *seq >= 0).ok_or(NotAChainPosition)?;
        Ok(Self { seq, seal })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::MasterKeys;
    use crate::keys::KeyPurpose;

    fn keys() -> DerivedKeys {
        let masters = MasterKeys::parse("1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=").unwrap();
        DerivedKeys::derive(&masters, KeyPurpose::Audit)
    }

    fn rows() -> impl Strategy<Value = AuditRow> {
        let texts =
            ("[a-z_]{1,9}", "[a-z]{1,5}", ".{0,20}", ".{0,40}", proptest::option::of("[a-z0-9]{1,8}"));
        let personal = (any::<Option<IpAddr>>(), proptest::option::of(".{0,40}"), any::<Option<[u8; 32]>>());
        (1..i64::MAX, 0..4_000_000_000_000_000_i64, any::<Option<u128>>(), texts, personal).prop_map(
            |(seq, micros, actor, (action, kind, target, detail, request_id), (address, texts, entropy))| {
                let row = AuditRow {
                    seq,
                    occurred_at: Timestamp::from_microsecond(micros).unwrap(),
                    actor_kind: "user".to_owned(),
                    actor_id: actor.map(Uuid::from_u128),
                    action,
                    target_kind: kind,
                    target_id: target,
                    format: SealFormat::Plain,
                    detail,
                    address,
                    address_commitment: Commitment::default(),
                    // Format 1 has none.
                    texts: texts.filter(|_| entropy.is_some()),
                    texts_commitment: Commitment::default(),
                    request_id,
                };
                match entropy {
                    Some(entropy) => row.committed(&Entropy::new(&entropy)),
                    None => row,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_row_is_sealed_as_it_stands_and_where_it_stands(row in rows(), other in rows(), before: Seal, elsewhere: Seal) {
            let keys = keys();
            let (number, seal) = seal(&keys, &before, &row);
            let key = keys.find(number).unwrap();
            let intact = RowState::Sealed { erased: 0 };
            prop_assert_eq!(state(key, &before, &row, &seal), intact);
            prop_assert_eq!(state(key, &before, &other, &seal) == intact, row == other);
            prop_assert_eq!(state(key, &elsewhere, &row, &seal) == intact, before == elsewhere);
            prop_assert_eq!(state(key, &before, &row, &seal[1..]), RowState::Changed);
        }

        #[test]
        fn an_erased_row_is_still_sealed_and_a_changed_one_is_not(row in rows(), before: Seal, text: String) {
            let keys = keys();
            let (number, seal) = seal(&keys, &before, &row);
            let key = keys.find(number).unwrap();
            let mut erased = row.clone();
            (erased.address, erased.texts) = (None, None);
            (erased.address_commitment.salt, erased.texts_commitment.salt) = (None, None);
            let gone = u64::from(row.address.is_some()) + u64::from(row.texts.is_some());
            match row.format {
                SealFormat::Committed => {
                    prop_assert_eq!(state(key, &before, &erased, &seal), RowState::Sealed { erased: gone });
                }
                // An address of format 1 cannot be erased.
                SealFormat::Plain => {
                    prop_assert_eq!(state(key, &before, &erased, &seal) == RowState::Changed, gone > 0);
                }
            }
            if row.texts.as_ref() != Some(&text) {
                let changed = AuditRow { texts: Some(text), ..row };
                prop_assert_eq!(state(key, &before, &changed, &seal), RowState::Changed);
            }
        }

        #[test]
        fn no_start_is_the_seal_of_a_row(row in rows(), before: Seal, seq in 0..i64::MAX, last: Seal) {
            let place = ChainPosition { seq, seal: last };
            let (number, seal) = seal_start(&keys(), place);
            let keys = keys();
            let key = keys.find(number).unwrap();
            prop_assert!(is_start(key, place, &seal));
            let elsewhere = ChainPosition { seq: seq ^ 1, ..place };
            prop_assert!(!is_start(key, elsewhere, &seal));
            prop_assert_eq!(state(key, &before, &row, &seal), RowState::Changed);
        }

        #[test]
        fn two_columns_cannot_be_moved_into_one_another(row in rows()) {
            let mut other = row.clone();
            other.target_id = format!("{}{}", row.target_kind, row.target_id);
            other.target_kind = String::new();
            prop_assert_ne!(message(&[0; 32], &row), message(&[0; 32], &other));
        }

        #[test]
        fn a_place_survives_its_text(seq in 0..i64::MAX, seal: Seal) {
            let place = ChainPosition { seq, seal };
            prop_assert_eq!(place.to_string().parse(), Ok(place));
        }

        #[test]
        fn other_texts_are_refused_without_panic(text: String) {
            prop_assert_eq!(text.parse::<ChainPosition>(), Err(NotAChainPosition));
        }
    }
}
