//! Secrets that are given out once: states, verifiers, one-time codes, and the browser's own.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::api::{Code, Problem};
use crate::random::Random;

/// The length of a secret in characters.
const LENGTH: usize = 43;

/// 256 random bits in base64url.
///
/// # Errors
///
/// 500 when the operating system provides no randomness.
pub(super) fn new(random: &dyn Random) -> Result<String, Problem> {
    let mut bytes = [0; 32];
    random.fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "Request failed: no secret could be created.");
        Problem::new(Code::Internal)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A secret that follows from others: without all of them it cannot be known, and with them it need not be stored.
pub(super) fn derived(purpose: &str, secrets: [&str; 2]) -> String {
    let [one, other] = secrets;
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("{purpose}\0{one}\0{other}").as_bytes()))
}

/// Whether a text has the form of a secret, which is also that of a challenge.
pub(super) fn is_well_formed(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(is_base64url)
}

/// The SHA-256 hash of a secret in hexadecimal, under which a value is stored without revealing the secret.
pub(super) fn fingerprint(secret: &str) -> String {
    let mut text = String::new();
    for byte in digest(&SHA256, secret.as_bytes()).as_ref() {
        let _always_succeeds = write!(text, "{byte:02x}");
    }
    text
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

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_verifier(verifier) && is_well_formed(&challenge(verifier)));
    }

    #[test]
    fn a_derived_secret_depends_on_all_of_its_parts() {
        let of = |purpose, one, other| derived(purpose, [one, other]);
        let secret = of("link", "a", "b");
        assert!(is_well_formed(&secret) && secret == of("link", "a", "b"));
        for other in
            [of("sign-in", "a", "b"), of("link", "b", "a"), of("link", "ab", ""), of("link", "a", "c")]
        {
            assert_ne!(secret, other);
        }
    }

    #[test]
    fn each_secret_is_new() {
        let (one, other) = (new(&SystemRandom).unwrap(), new(&SystemRandom).unwrap());
        assert!(one != other && is_well_formed(&one) && is_verifier(&one));
        assert!(!is_well_formed("") && !is_well_formed(&"a".repeat(44)) && !is_well_formed(&"é".repeat(22)));
    }
}
