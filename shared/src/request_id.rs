//! The identifier that nginx gives a request, and every log line of it carries.

use std::fmt;

use uuid::Uuid;

/// The header that carries it, both ways.
pub const HEADER: &str = "x-request-id";

/// The longest that is believed, in bytes.
pub const MAX_BYTES: usize = 128;

/// A request identifier: 1 to 128 bytes of `A-Z a-z 0-9 . _ -`.
///
/// Anything else that arrives under the header's name is replaced, never refused: a request must not
/// fail for its label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// Takes the header's bytes when they are a request identifier.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let fits = (1..=MAX_BYTES).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        (fits && plain).then(|| Self(text.into()))
    }

    /// The one of `id`, for a request that came without. Randomness is the caller's.
    pub fn of(id: Uuid) -> Self {
        Self(id.simple().to_string().into())
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nginx_identifiers_are_taken_as_they_are() {
        let id = RequestId::parse(b"444535f9378a3dfa1b8604bc9e05a303").unwrap();
        assert_eq!(id.as_str(), "444535f9378a3dfa1b8604bc9e05a303");
    }

    #[test]
    fn empty_long_and_odd_ones_are_not_believed() {
        for bytes in [&b""[..], &[b'a'; 129], b"a b", b"a\nb", b"\xff", "é".as_bytes()] {
            assert_eq!(RequestId::parse(bytes), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_believed_is_safe_in_a_log_line(bytes: Vec<u8>) {
            if let Some(id) = RequestId::parse(&bytes) {
                prop_assert!(id.as_str().bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}
