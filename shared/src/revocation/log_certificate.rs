//! What the relay certifies when it closes a heartbeat, signed: a client that can only write to Redis cannot make it.
//!
//! The text in `meta` is `1 <beat> <seq> <chain> <floor> <chain at floor> <role map> <challenges> <tags>`, with one space in
//! between; a `-` if there are no challenges. The tags are of the text before them, for one log.

use super::challenge::Challenge;
use super::log_chain::{LogChain, LogIdentity};
use super::log_keys::LogKeys;

const VERSION: &str = "1";
const DOMAIN: &[u8] = b"usher revocation certificate v1\0";
const ROLE_MAP_DOMAIN: &[u8] = b"usher role map v1\0";
const NO_CHALLENGE: &str = "-";

/// Everything that was committed before heartbeat `beat` was opened is in this log up to `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCertificate {
    /// The number of the heartbeat.
    pub beat: u64,
    /// The end of the log when it was closed.
    pub seq: u64,
    /// The records up to there.
    pub chain: LogChain,
    /// The records up to here have ended long ago, and may be missing.
    pub floor: u64,
    /// The records up to the floor.
    pub floor_chain: LogChain,
    /// The version of the role map.
    pub roles: u64,
    /// What sidecars had written before the heartbeat was opened.
    pub challenges: Vec<Challenge>,
}

/// Why a certificate is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCertified {
    /// No tag is of a known key, or it was made for another log.
    #[error("its tag is of another key or another log")]
    Tag,
    /// It has another form.
    #[error("it has an unknown format")]
    Form,
}

impl LogCertificate {
    /// The text with its tags.
    pub fn sign(&self, keys: &LogKeys, log: LogIdentity) -> String {
        let text = self.text();
        let tags = keys.tags(&message(DOMAIN, log, text.as_bytes()));
        format!("{text} {tags}")
    }

    /// Reads a certificate of this log.
    ///
    /// # Errors
    ///
    /// When it is not signed with one of these keys.
    pub fn verify(bytes: &[u8], keys: &LogKeys, log: LogIdentity) -> Result<Self, NotCertified> {
        let text = std::str::from_utf8(bytes).map_err(|_| NotCertified::Form)?;
        let (text, tags) = text.rsplit_once(' ').ok_or(NotCertified::Form)?;
        if !keys.verify(&message(DOMAIN, log, text.as_bytes()), tags) {
            return Err(NotCertified::Tag);
        }
        Self::parse(text).ok_or(NotCertified::Form)
    }

    fn text(&self) -> String {
        let challenges = self.challenges.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let challenges = if challenges.is_empty() { NO_CHALLENGE } else { &challenges };
        let Self { beat, seq, chain, floor, floor_chain, roles, .. } = self;
        format!("{VERSION} {beat} {seq} {chain} {floor} {floor_chain} {roles} {challenges}")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next()? != VERSION {
            return None;
        }
        let certificate = Self {
            beat: words.next()?.parse().ok()?,
            seq: words.next()?.parse().ok()?,
            chain: words.next()?.parse().ok()?,
            floor: words.next()?.parse().ok()?,
            floor_chain: words.next()?.parse().ok()?,
            roles: words.next()?.parse().ok()?,
            challenges: match words.next()? {
                NO_CHALLENGE => Vec::new(),
                list => list.split(',').map(str::parse).collect::<Result<_, _>>().ok()?,
            },
        };
        words.next().is_none().then_some(certificate)
    }
}

/// The tags of the role map of this log and version.
pub fn sign_role_map(map: &[u8], version: u64, keys: &LogKeys, log: LogIdentity) -> String {
    keys.tags(&role_map_message(map, version, log))
}

/// Whether the role map is of this log and version.
pub fn is_role_map(map: &[u8], version: u64, tags: &[u8], keys: &LogKeys, log: LogIdentity) -> bool {
    std::str::from_utf8(tags).is_ok_and(|tags| keys.verify(&role_map_message(map, version, log), tags))
}

fn role_map_message(map: &[u8], version: u64, log: LogIdentity) -> Vec<u8> {
    message(ROLE_MAP_DOMAIN, log, &[&version.to_be_bytes(), map].concat())
}

/// The parts before the last have a fixed length for each domain, and no domain begins with another.
fn message(domain: &[u8], log: LogIdentity, content: &[u8]) -> Vec<u8> {
    [domain, &log.to_bytes(), content].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::revocation::history::HistoryId;

    const LOG: LogIdentity = LogIdentity { epoch: 7, history: HistoryId::from_bytes([1; 16]) };

    fn keys(byte: u8) -> LogKeys {
        LogKeys::new([&[byte; 32]])
    }

    fn certificate(beat: u64, seq: u64, challenges: &[u64]) -> LogCertificate {
        LogCertificate {
            beat,
            seq,
            chain: LogChain::begin(LOG).after(b"record"),
            floor: 0,
            floor_chain: LogChain::begin(LOG),
            roles: 3,
            challenges: challenges.iter().map(|bits| Challenge::from_bytes(bits.to_be_bytes())).collect(),
        }
    }

    proptest! {
        #[test]
        fn a_certificate_is_read_as_it_was_signed(beat: u64, seq: u64, challenges: Vec<u64>) {
            let signed = certificate(beat, seq, &challenges);
            let text = signed.sign(&keys(1), LOG);
            prop_assert_eq!(LogCertificate::verify(text.as_bytes(), &keys(1), LOG), Ok(signed));
        }

        #[test]
        fn a_certificate_that_was_changed_anywhere_is_refused(at in 0_usize..200, to in any::<u8>()) {
            let mut bytes = certificate(5, 1, &[9]).sign(&keys(1), LOG).into_bytes();
            prop_assume!(at < bytes.len() && bytes[at] != to);
            bytes[at] = to;
            prop_assert!(LogCertificate::verify(&bytes, &keys(1), LOG).is_err());
        }

        #[test]
        fn any_bytes_are_refused_without_panic(bytes: Vec<u8>) {
            prop_assert!(LogCertificate::verify(&bytes, &keys(1), LOG).is_err());
        }
    }

    #[test]
    fn a_certificate_of_another_key_or_log_is_refused() {
        let text = certificate(5, 1, &[]).sign(&keys(1), LOG);
        let verify = |keys: &LogKeys, log| LogCertificate::verify(text.as_bytes(), keys, log).err();
        assert_eq!(verify(&keys(1), LOG), None);
        assert_eq!(verify(&keys(2), LOG), Some(NotCertified::Tag));
        assert_eq!(verify(&keys(1), LogIdentity { epoch: 8, ..LOG }), Some(NotCertified::Tag));
        let history = HistoryId::from_bytes([2; 16]);
        assert_eq!(verify(&keys(1), LogIdentity { history, ..LOG }), Some(NotCertified::Tag));
    }

    #[test]
    fn a_role_map_of_another_version_log_or_key_is_refused() {
        let tags = sign_role_map(b"map", 3, &keys(1), LOG);
        let tags = tags.as_bytes();
        assert!(is_role_map(b"map", 3, tags, &keys(1), LOG));
        assert!(!is_role_map(b"mop", 3, tags, &keys(1), LOG));
        assert!(!is_role_map(b"map", 4, tags, &keys(1), LOG));
        assert!(!is_role_map(b"map", 3, tags, &keys(2), LOG));
        assert!(!is_role_map(b"map", 3, tags, &keys(1), LogIdentity { epoch: 6, ..LOG }));
    }
}
