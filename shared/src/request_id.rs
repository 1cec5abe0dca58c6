//! The identifier of a request: nginx creates it, and every log line of the request has it.

use std::fmt;

use uuid::Uuid;

/// The header with the identifier, in requests and responses.
pub const HEADER: &str = "x-request-id";

/// The longest accepted identifier, in bytes.
pub const MAX_BYTES: usize = 128;

/// A request identifier: 1 to 128 bytes of `A-Z a-z 0-9 . _ -`.
///
/// Any other value of the header is replaced, never refused: a request must not fail because of its
/// identifier.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// Reads the value of the header, if it is a request identifier.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let fits = (1..=MAX_BYTES).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        (fits && plain).then(|| Self(text.into()))
    }

    /// An identifier made of `id`, for a request without one. The caller provides the randomness.
    pub fn of(id: Uuid) -> Self {
        Self(id.simple().to_string().into())
    }

    /// The text.
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
    fn identifiers_of_nginx_are_accepted_unchanged() {
        let id = RequestId::parse(b"444535f9378a3dfa1b8604bc9e05a303").unwrap();
        assert_eq!(id.as_str(), "444535f9378a3dfa1b8604bc9e05a303");
    }

    #[test]
    fn empty_long_and_invalid_identifiers_are_refused() {
        for bytes in [&b""[..], &[b'a'; 129], b"a b", b"a\nb", b"\xff", "é".as_bytes()] {
            assert_eq!(RequestId::parse(bytes), None);
        }
    }

    proptest! {
        #[test]
        fn an_accepted_identifier_is_safe_in_a_log_line(bytes: Vec<u8>) {
            if let Some(id) = RequestId::parse(&bytes) {
                prop_assert!(id.as_str().bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}
