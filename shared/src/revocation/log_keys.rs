//! The keys that authenticate the log. Admin and its sidecars have them; a client that can only write to Redis does not.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::hex;

/// The length of a key in bytes.
pub const LOG_KEY_BYTES: usize = 32;

/// More than the replacement of a master key needs.
const MAX_KEYS: usize = 8;

/// HMAC-SHA256 keys, one for each master key of admin. Admin signs with all of them, and a sidecar accepts any of its own, so
/// that they need one in common while a master key is replaced.
#[derive(Clone)]
pub struct LogKeys(Vec<hmac::Key>);

/// The text is not a list of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one to {MAX_KEYS} keys as `admin keys sidecar` prints them, separated by commas")]
pub struct NotLogKeys;

impl LogKeys {
    /// Keys from their bytes.
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k [u8; LOG_KEY_BYTES]>) -> Self {
        Self(keys.into_iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, key)).collect())
    }

    /// Reads `base64,...`.
    ///
    /// # Errors
    ///
    /// With a sentence that does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, NotLogKeys> {
        let key = |text: &str| {
            let bytes = STANDARD.decode(text.trim()).map_err(|_| NotLogKeys)?;
            let is_key = bytes.len() == LOG_KEY_BYTES;
            if is_key { Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes)) } else { Err(NotLogKeys) }
        };
        let keys = text.split(',').map(key).collect::<Result<Vec<_>, _>>()?;
        if keys.len() > MAX_KEYS { Err(NotLogKeys) } else { Ok(Self(keys)) }
    }

    /// The keys as [`Self::parse`] reads them.
    pub fn text<'k>(keys: impl IntoIterator<Item = &'k [u8; LOG_KEY_BYTES]>) -> String {
        keys.into_iter().map(|key| STANDARD.encode(key)).collect::<Vec<_>>().join(",")
    }

    /// One tag for each key, separated by commas.
    pub(super) fn tags(&self, message: &[u8]) -> String {
        let tag = |key| hex::encode(hmac::sign(key, message).as_ref());
        self.0.iter().map(tag).collect::<Vec<_>>().join(",")
    }

    /// Whether one of `tags` is of one of these keys.
    pub(super) fn verify(&self, message: &[u8], tags: &str) -> bool {
        let mut tags = tags.split(',').take(MAX_KEYS).filter_map(hex::decode);
        tags.any(|tag| self.0.iter().any(|key| hmac::verify(key, message, &tag).is_ok()))
    }
}

impl fmt::Debug for LogKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sidecar_needs_one_key_in_common_with_admin() {
        let tags = LogKeys::new([&[1; 32], &[2; 32]]).tags(b"message");
        assert!(LogKeys::new([&[2; 32], &[3; 32]]).verify(b"message", &tags));
        assert!(!LogKeys::new([&[3; 32]]).verify(b"message", &tags));
        assert!(!LogKeys::new([&[1; 32]]).verify(b"another", &tags));
    }

    #[test]
    fn keys_survive_their_text() {
        let text = LogKeys::text([&[7; 32], &[8; 32]]);
        let tags = LogKeys::new([&[8; 32]]).tags(b"message");
        assert!(LogKeys::parse(&text).unwrap().verify(b"message", &tags));
        assert!(!format!("{:?}", LogKeys::parse(&text).unwrap()).contains("Bwc"));
    }

    #[test]
    fn other_texts_are_refused() {
        let many = LogKeys::text([&[7; 32]; 9]);
        for text in ["", "x", "AAAA", &format!("{},", LogKeys::text([&[7; 32]])), &many] {
            assert!(LogKeys::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_tags_are_refused_without_panic(tags: String) {
            prop_assert!(!LogKeys::new([&[1; 32]]).verify(b"message", &tags));
        }
    }
}
