//! `Authorization: Bearer` (RFC 6750, section 2.1): which bytes of a request are the token.

/// The realm of the challenges in `WWW-Authenticate`, the same from both programs (RFC 9110, section 11.5): their tokens are
/// valid for both.
pub const REALM: &str = "cinema";

/// The request has no usable bearer token, and is to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// More than one `Authorization` header: the two programs could disagree on which one counts.
    #[error("more than one Authorization header")]
    Repeated,
    /// The scheme without a token.
    #[error("Authorization has no token")]
    Malformed,
}

/// Finds the token in the values of all `Authorization` headers of a request. `None` if there is no header, or one of
/// another scheme. The scheme is matched in any case (RFC 9110, section 11.1).
///
/// # Errors
///
/// See [`BearerError`].
pub fn find<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Result<Option<&'v [u8]>, BearerError> {
    let mut values = values.into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BearerError::Repeated);
    }
    let space = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at(space);
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(None);
    }
    let token = rest.trim_ascii();
    if token.is_empty() { Err(BearerError::Malformed) } else { Ok(Some(token)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(value: &str) -> Result<Option<&[u8]>, BearerError> {
        find([value.as_bytes()])
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_others_are_ignored() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c "] {
            assert_eq!(one(value), Ok(Some(&b"a.b.c"[..])), "{value}");
        }
        for value in ["Basic a", "Bearera", "", "Token Bearer a"] {
            assert_eq!(one(value), Ok(None), "{value}");
        }
        assert_eq!(find([]), Ok(None));
    }

    #[test]
    fn a_scheme_without_a_token_and_two_headers_are_refused() {
        for value in ["Bearer", "Bearer ", "bearer   "] {
            assert_eq!(one(value), Err(BearerError::Malformed), "{value}");
        }
        for second in ["Bearer b", "Basic b", ""] {
            assert_eq!(
                find(["Bearer a".as_bytes(), second.as_bytes()]),
                Err(BearerError::Repeated),
                "{second}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_value_is_read_without_panic(value: Vec<u8>) {
            if let Ok(Some(token)) = find([value.as_slice()]) {
                prop_assert!(value.len() >= "bearer ".len() + token.len());
                prop_assert!(value.to_ascii_lowercase().starts_with(b"bearer "));
            }
        }
    }
}
