//! Proof Key for Code Exchange (RFC 7636), S256 only.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::params::Params;

/// How a provider uses PKCE.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pkce {
    /// Whether it is required.
    pub(crate) required: bool,
    /// The accepted spellings of the method.
    pub(crate) methods: &'static [&'static str],
    /// Whether a verifier may contain `.` and `~`, as RFC 7636 allows.
    pub(crate) dots: bool,
}

impl Pkce {
    /// The challenge of an authorization request.
    pub(crate) fn challenge(&self, query: &Params) -> Result<Option<String>, String> {
        let methods = self.methods.join(" or ");
        let challenge = match (query.get("code_challenge"), query.get("code_challenge_method")) {
            (None, None) if !self.required => return Ok(None),
            (None, _) => return Err("code_challenge is missing".to_owned()),
            (Some(_), None) => {
                return Err(format!("code_challenge_method must be {methods}; it is missing"));
            }
            (Some(_), Some(method)) if !self.methods.contains(&method) => {
                return Err(format!("code_challenge_method must be {methods}; got {method:?}"));
            }
            (Some(challenge), Some(_)) => challenge,
        };
        match URL_SAFE_NO_PAD.decode(challenge) {
            Ok(hash) if hash.len() == 32 => Ok(Some(challenge.to_owned())),
            _ => Err("code_challenge must be a SHA-256 hash in base64url without padding, 43 characters"
                .to_owned()),
        }
    }

    /// Whether a verifier is well-formed: 43 to 128 of the allowed characters.
    fn allows(&self, verifier: &str) -> bool {
        let dots = self.dots;
        let fits = |byte: u8| {
            byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || (dots && b".~".contains(&byte))
        };
        (43..=128).contains(&verifier.len()) && verifier.bytes().all(fits)
    }

    /// Refuses a verifier that does not match the challenge, or comes without one.
    pub(crate) fn check(&self, challenge: Option<&str>, verifier: Option<&str>) -> Result<(), &'static str> {
        match (challenge, verifier) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err("code_verifier without code_challenge"),
            (Some(_), None) => Err("code_verifier is missing"),
            (Some(_), Some(verifier)) if !self.allows(verifier) => Err("code_verifier is malformed"),
            (Some(challenge), Some(verifier)) if challenge_of(verifier) != challenge => {
                Err("code_verifier does not match code_challenge")
            }
            (Some(_), Some(_)) => Ok(()),
        }
    }
}

fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPTIONAL: Pkce = Pkce { required: false, methods: &["S256"], dots: true };
    const REQUIRED: Pkce = Pkce { required: true, methods: &["S256", "s256"], dots: false };
    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge_of(pkce: Pkce, query: &str) -> Result<Option<String>, String> {
        pkce.challenge(&Params::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn the_example_of_the_rfc_fits() {
        assert_eq!(OPTIONAL.check(Some(CHALLENGE), Some(VERIFIER)), Ok(()));
        assert!(OPTIONAL.check(Some(CHALLENGE), Some(CHALLENGE)).is_err());
        assert!(OPTIONAL.check(Some(CHALLENGE), None).is_err());
        assert!(OPTIONAL.check(None, Some(VERIFIER)).is_err());
    }

    #[test]
    fn a_challenge_is_43_characters_and_its_method_is_s256() {
        let good = format!("code_challenge={CHALLENGE}&code_challenge_method=S256");
        assert_eq!(challenge_of(REQUIRED, &good), Ok(Some(CHALLENGE.to_owned())));
        assert!(challenge_of(REQUIRED, &good.replace("S256", "s256")).is_ok());
        assert!(challenge_of(OPTIONAL, &good.replace("S256", "s256")).is_err());
        assert!(challenge_of(OPTIONAL, &good.replace("S256", "plain")).is_err());
        assert!(challenge_of(OPTIONAL, &good.replace("-cM", "-cM=")).is_err());
        assert!(challenge_of(OPTIONAL, &good.replace("-cM", "-c")).is_err());
        assert!(challenge_of(OPTIONAL, &format!("code_challenge={CHALLENGE}")).is_err());
        assert!(challenge_of(OPTIONAL, "code_challenge_method=S256").is_err());
    }

    #[test]
    fn only_some_providers_work_without_a_challenge() {
        assert_eq!(challenge_of(OPTIONAL, ""), Ok(None));
        assert!(challenge_of(REQUIRED, "").is_err());
    }

    #[test]
    fn a_verifier_has_few_characters_and_43_to_128_of_them() {
        let dotted = format!("{VERIFIER}.~");
        assert!(OPTIONAL.allows(&dotted) && !REQUIRED.allows(&dotted));
        assert!(!OPTIONAL.allows(&"a".repeat(42)) && !OPTIONAL.allows(&"a".repeat(129)));
        assert!(!OPTIONAL.allows(&"é".repeat(43)));
    }

    proptest! {
        #[test]
        fn any_verifier_is_checked_without_panic(verifier in ".{0,200}") {
            let _either = REQUIRED.check(Some(CHALLENGE), Some(&verifier));
        }
    }
}
