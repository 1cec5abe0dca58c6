//! Secrets that are given out once: states, verifiers, one-time codes, and the browser's own.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::api::{Code, Problem};

/// The characters of a secret of ours.
const LENGTH: usize = 43;

/// 256 bits that nobody can guess, in base64url.
///
/// # Errors
///
/// 500 when the system gives no randomness.
pub(super) fn new() -> Result<String, Problem> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
        tracing::error!("The random number generator failed.");
        Problem::new(Code::Internal)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a text has the form of a secret, or of a hash in the same form.
pub(super) fn has_the_form(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(is_base64url)
}

/// Whether a text is a verifier (RFC 7636, section 4.1).
pub(super) fn is_verifier(text: &str) -> bool {
    let is_unreserved = |byte: u8| is_base64url(byte) || byte == b'.' || byte == b'~';
    (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved)
}

/// The challenge of a verifier (RFC 7636, section 4.2, method S256).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// Whether two texts are equal, in a time that says nothing of where they differ.
pub(super) fn are_equal(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_verifier(verifier) && has_the_form(&challenge(verifier)));
    }

    #[test]
    fn each_secret_is_another() {
        let (one, other) = (new().unwrap(), new().unwrap());
        assert!(one != other && has_the_form(&one) && is_verifier(&one));
        assert!(!has_the_form("") && !has_the_form(&"a".repeat(44)) && !has_the_form(&"é".repeat(22)));
    }
}
