//! The codes with which an access token, or a request that carries it, is refused: one word for one cause, at
//! nginx and at admin.

/// A refusal as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The stable code.
    pub code: &'static str,
    /// The title of the problem, and the description in the challenge.
    pub sentence: &'static str,
    /// The `error` of the challenge (RFC 6750, section 3.1); none where a challenge has no error, or where there is
    /// no challenge.
    pub challenge_error: Option<&'static str>,
}

/// Declares the table once: the constants and the list of them.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal $error:expr, $sentence:literal;)*) => {
        $($(#[$doc])* pub const $name: Refused =
            Refused { code: $code, sentence: $sentence, challenge_error: $error };)*

        /// All of them.
        pub const ALL: &[Refused] = &[$($name),*];
    };
}

const INVALID_TOKEN: Option<&str> = Some("invalid_token");

refusals! {
    /// A token is required.
    TOKEN_MISSING = "token_missing" None, "An access token is required.";
    /// The token is invalid, and no other code says why.
    TOKEN_INVALID = "token_invalid" INVALID_TOKEN, "The access token is invalid.";
    /// The token has expired.
    TOKEN_EXPIRED = "token_expired" INVALID_TOKEN, "The access token has expired.";
    /// The user has to sign in again.
    TOKEN_REVOKED = "token_revoked" INVALID_TOKEN, "The access token has been revoked.";
    /// The client has to refresh its token.
    TOKEN_REFRESH_NEEDED = "token_refresh_needed" INVALID_TOKEN, "The access token must be refreshed.";
    /// The token is valid, but its rights are not enough at a location.
    INSUFFICIENT_SCOPE = "insufficient_scope" Some("insufficient_scope"), "The access token lacks the required scope.";
    /// Refused independently of the token, or a right of admin is missing.
    FORBIDDEN = "forbidden" None, "You are not allowed to do this.";
    /// A service on which the answer depends is unavailable.
    DEPENDENCY_UNAVAILABLE = "dependency_unavailable" None, "A required service is temporarily unavailable.";
}

/// The refusal with this code.
pub fn find(code: &str) -> Option<Refused> {
    ALL.iter().copied().find(|refused| refused.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_and_stands_for_one_sentence() {
        for refused in ALL {
            assert_eq!(find(refused.code), Some(*refused));
            assert!(refused.sentence.ends_with('.') && refused.sentence.is_ascii());
        }
        let sentences: std::collections::BTreeSet<_> = ALL.iter().map(|refused| refused.sentence).collect();
        assert_eq!(sentences.len(), ALL.len());
        assert_eq!(find("token"), None);
    }
}
