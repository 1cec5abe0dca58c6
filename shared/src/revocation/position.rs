//! How far a reader has read the log of revocations, as the ids of its stream say it.

use std::fmt;
use std::str::FromStr;

/// A position in the log: epoch, and sequence number within it, both from 1.
///
/// Positions of a later epoch are greater than all of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// The filling of the log. Issued by PostgreSQL, only grows.
    pub epoch: u64,
    /// The record within the epoch.
    pub seq: u64,
}

/// The text is not `<epoch>-<seq>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be <epoch>-<sequence number>")]
pub struct NotALogPosition;

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl FromStr for LogPosition {
    type Err = NotALogPosition;

    fn from_str(text: &str) -> Result<Self, NotALogPosition> {
        let number = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true => digits.parse().map_err(|_| NotALogPosition),
            false => Err(NotALogPosition),
        };
        let (epoch, seq) = text.split_once('-').ok_or(NotALogPosition)?;
        Ok(Self { epoch: number(epoch)?, seq: number(seq)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_later_epoch_is_greater_whatever_its_sequence() {
        assert!(LogPosition { epoch: 2, seq: 1 } > LogPosition { epoch: 1, seq: 999 });
    }

    proptest! {
        #[test]
        fn positions_survive_their_text(epoch: u64, seq: u64) {
            let position = LogPosition { epoch, seq };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }

        #[test]
        fn other_texts_are_refused_without_panic(text: String) {
            if let Ok(position) = text.parse::<LogPosition>() {
                prop_assert!(position.to_string().len() <= text.len());
            }
        }
    }
}
