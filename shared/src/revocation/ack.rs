//! What a sidecar writes about itself to Redis: how far it has read the log, and how old its certificate is.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::position::LogPosition;

/// An acknowledgement. Written only when the log was read to its end, so that everything that was published in this epoch up
/// to the position, or in an earlier epoch, is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SidecarAck {
    /// The end of the log.
    pub position: LogPosition,
    /// The age of the last certificate in milliseconds; `None` before the first.
    pub age_ms: Option<u64>,
    /// The version of the sidecar.
    pub version: String,
}

/// The text is not that of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a position, an age in milliseconds or -, and a version of at most 64 visible characters")]
pub struct NotASidecarAck;

impl SidecarAck {
    /// How long it is valid. A sidecar that has not written for so long is stale ([`MAX_AGE`](super::MAX_AGE)) or gone.
    pub const LIFE: Duration = Duration::from_secs(5);
    /// How often it is written again while the position stays.
    pub const EVERY: Duration = Duration::from_secs(1);
}

impl fmt::Display for SidecarAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.age_ms {
            Some(age) => write!(f, "{} {age} {}", self.position, self.version),
            None => write!(f, "{} - {}", self.position, self.version),
        }
    }
}

impl FromStr for SidecarAck {
    type Err = NotASidecarAck;

    fn from_str(text: &str) -> Result<Self, NotASidecarAck> {
        let mut parts = text.splitn(3, ' ');
        let mut next = || parts.next().ok_or(NotASidecarAck);
        let (position, age, version) = (next()?, next()?, next()?);
        let is_visible = version.bytes().all(|byte| byte.is_ascii_graphic());
        if version.is_empty() || version.len() > 64 || !is_visible {
            return Err(NotASidecarAck);
        }
        let age_ms = match age {
            "-" => None,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| NotASidecarAck)?)
            }
            _ => return Err(NotASidecarAck),
        };
        let position = position.parse().map_err(|_| NotASidecarAck)?;
        Ok(Self { position, age_ms, version: version.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_read_as_it_was_written(
            epoch: u64, seq: u64, age_ms: Option<u64>, version in "[!-~]{1,64}",
        ) {
            let ack = SidecarAck { position: LogPosition { epoch, seq }, age_ms, version };
            prop_assert_eq!(ack.to_string().parse(), Ok(ack));
        }

        #[test]
        fn any_text_is_read_without_panic(text: String) {
            if let Ok(ack) = text.parse::<SidecarAck>() {
                prop_assert!(ack.version.len() <= 64);
            }
        }
    }

    #[test]
    fn another_form_is_refused() {
        for text in ["", "7-1", "7-1 5", "7-1 5 ", "7 5 0.1.0", "7-1 +5 0.1.0", "7-1 5 0.1.0 x", "7-1 5 \n"] {
            assert_eq!(text.parse::<SidecarAck>(), Err(NotASidecarAck), "{text}");
        }
    }
}
