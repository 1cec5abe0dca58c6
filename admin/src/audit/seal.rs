//! The seal of one row: HMAC-SHA256 over the previous seal and all columns, each with its length.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use uuid::Uuid;

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
    /// The JSON text, byte for byte.
    pub(super) detail: String,
    pub(super) address: Option<IpAddr>,
    pub(super) request_id: Option<String>,
}

/// Seals `row` after `before` with the newest key, and returns the key's number first.
pub(super) fn seal(keys: &DerivedKeys, before: &Seal, row: &AuditRow) -> (u8, Seal) {
    let number = keys.current();
    let key = keys.find(number).expect("the newest key is one of the keys");
    let tag = hmac::sign(key, &message(before, row));
    let mut seal = [0; SEAL_BYTES];
    seal.copy_from_slice(tag.as_ref());
    (number, seal)
}

/// Whether `seal` is the seal of `row` after `before`, in constant time.
pub(super) fn is_sealed(key: &hmac::Key, before: &Seal, row: &AuditRow, seal: &[u8]) -> bool {
    hmac::verify(key, &message(before, row), seal).is_ok()
}

fn message(before: &Seal, row: &AuditRow) -> Vec<u8> {
    let mut message = before.to_vec();
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
    add(row.address.map(|address| address.to_string()).as_ref().map(String::as_bytes));
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
        (1..i64::MAX, 0..4_000_000_000_000_000_i64, any::<Option<u128>>(), texts, any::<Option<IpAddr>>())
            .prop_map(|(seq, micros, actor, (action, kind, target, detail, request_id), address)| AuditRow {
                seq,
                occurred_at: Timestamp::from_microsecond(micros).unwrap(),
                actor_kind: "user".to_owned(),
                actor_id: actor.map(Uuid::from_u128),
                action,
                target_kind: kind,
                target_id: target,
                detail,
                address,
                request_id,
            })
    }

    proptest! {
        #[test]
        fn a_row_is_sealed_as_it_stands_and_where_it_stands(row in rows(), other in rows(), before: Seal, elsewhere: Seal) {
            let keys = keys();
            let (number, seal) = seal(&keys, &before, &row);
            let key = keys.find(number).unwrap();
            prop_assert!(is_sealed(key, &before, &row, &seal));
            prop_assert_eq!(is_sealed(key, &before, &other, &seal), row == other);
            prop_assert_eq!(is_sealed(key, &elsewhere, &row, &seal), before == elsewhere);
            prop_assert!(!is_sealed(key, &before, &row, &seal[1..]));
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
