//! Which server of Redis answered, and since when it is a master.

use std::str::FromStr;

/// The beginning of a replication id (`master_replid`).
///
/// A master has the same one as long as it is a master: a server that is promoted or restarted takes a new one. So two
/// answers of masters with the same id are two moments of one history, and nothing was lost between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServerId(u128);

/// The text does not begin with 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 40 hexadecimal digits")]
pub struct NotAServerId;

impl ServerId {
    /// An id from its first 128 bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }
}

impl FromStr for ServerId {
    type Err = NotAServerId;

    fn from_str(text: &str) -> Result<Self, NotAServerId> {
        let first = text.get(..32).filter(|_| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        u128::from_str_radix(first.ok_or(NotAServerId)?, 16).map(Self).map_err(|_| NotAServerId)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_of_redis_are_read(bits: u128, rest in "[0-9a-f]{8}") {
            prop_assert_eq!(format!("{bits:032x}{rest}").parse(), Ok(ServerId(bits)));
        }

        #[test]
        fn other_texts_are_refused_without_panic(text in "[0-9a-f+ -]{0,31}|\\PC{0,50}") {
            let is_id = text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            prop_assert_eq!(text.parse::<ServerId>().is_ok(), is_id);
        }
    }
}
