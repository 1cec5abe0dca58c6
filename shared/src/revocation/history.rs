//! The identity of one filling of the log, beyond its number.

use std::fmt;
use std::str::FromStr;

/// A random number that the relay writes with each epoch.
///
/// Epoch numbers repeat when PostgreSQL and Redis are both restored from a backup. The same number with another history
/// is another log, and nothing that a reader learned from the first is valid for the second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HistoryId(u128);

/// The text is not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 lower-case hexadecimal digits")]
pub struct NotAHistoryId;

impl HistoryId {
    /// An id from random bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for HistoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for HistoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for HistoryId {
    type Err = NotAHistoryId;

    fn from_str(text: &str) -> Result<Self, NotAHistoryId> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(NotAHistoryId);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| NotAHistoryId)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_survives_its_text(bytes: [u8; 16]) {
            let id = HistoryId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn other_texts_are_refused_without_panic(text in "[0-9a-fA-F+ ]{0,40}|\\PC{0,40}") {
            if let Ok(id) = text.parse::<HistoryId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
