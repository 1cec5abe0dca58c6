//! Why a request is refused: a reason for operators, and a code for clients.
//!
//! A reason is one cause; it is in metrics and log lines. A code is one of a few words, and it is the same
//! everywhere: in `X-Auth-Decision`, in the metric, in the log, and in the problem that nginx sends to the
//! client.

use http::StatusCode;
use shared::refusal;
use shared::token::TokenError;

/// Declares the reasons once: the variants, their labels, their codes, and the error of a token that each stands for.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $label:literal, $code:ident $(<- $error:ident)?;)*) => {
        /// Why a request is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
        }

        impl Refusal {
            /// Every reason, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The reason, for metrics and log lines.
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)*
                }
            }

            /// The code for the client, nginx and the metric.
            pub const fn code(self) -> RefusalCode {
                match self {
                    $(Self::$name => RefusalCode::$code,)*
                }
            }
        }

        impl From<TokenError> for Refusal {
            fn from(error: TokenError) -> Self {
                match error {
                    $($(TokenError::$error => Self::$name,)?)*
                }
            }
        }
    };
}

refusals! {
    /// Not an `auth_request` subrequest of nginx: no valid head, wrong method, version, body or upgrade.
    UnfitRequest = "unfit_request", Forbidden;
    /// No policy, an empty one, or two.
    PolicyMissing = "policy_missing", Forbidden;
    /// A policy that does not follow the grammar.
    PolicyMalformed = "policy_malformed", Forbidden;
    /// No token where the location requires one.
    TokenMissing = "token_missing", TokenMissing;
    /// Two different tokens: it is unclear which user sent the request.
    TokenRepeated = "token_repeated", TokenInvalid;
    /// See [`TokenError::TooLong`].
    TokenTooLong = "token_too_long", TokenInvalid <- TooLong;
    /// See [`TokenError::Malformed`]; also a `Bearer` without a token, or with bytes that no token has.
    TokenMalformed = "token_malformed", TokenInvalid <- Malformed;
    /// See [`TokenError::WrongType`].
    WrongType = "wrong_type", TokenInvalid <- WrongType;
    /// See [`TokenError::ForbiddenHeader`].
    ForbiddenHeader = "forbidden_header", TokenInvalid <- ForbiddenHeader;
    /// See [`TokenError::UnknownKey`].
    UnknownKey = "unknown_key", TokenInvalid <- UnknownKey;
    /// See [`TokenError::WrongAlgorithm`].
    WrongAlgorithm = "wrong_algorithm", TokenInvalid <- WrongAlgorithm;
    /// See [`TokenError::BadSignature`].
    BadSignature = "bad_signature", TokenInvalid <- BadSignature;
    /// See [`TokenError::MissingClaim`].
    MissingClaim = "missing_claim", TokenInvalid <- MissingClaim;
    /// See [`TokenError::WrongIssuer`].
    WrongIssuer = "wrong_issuer", TokenInvalid <- WrongIssuer;
    /// See [`TokenError::UnfitIdentity`].
    UnfitIdentity = "unfit_identity", TokenInvalid <- UnfitIdentity;
    /// See [`TokenError::IssuedInFuture`].
    IssuedInFuture = "issued_in_future", TokenInvalid <- IssuedInFuture;
    /// See [`TokenError::LifeTooLong`].
    LifeTooLong = "life_too_long", TokenInvalid <- LifeTooLong;
    /// A valid token for another audience.
    WrongAudience = "wrong_audience", TokenInvalid;
    /// See [`TokenError::Expired`].
    Expired = "expired", TokenExpired <- Expired;
    /// The token, its session, its user, its key or everything was revoked.
    Revoked = "revoked", TokenRevoked;
    /// The token's roles are out of date; a refresh returns a valid token.
    RefreshNeeded = "refresh_needed", TokenRefreshNeeded;
    /// The user has none of the roles that the location requires.
    RoleMissing = "role_missing", InsufficientScope;
    /// The user lacks the permission that the location requires.
    PermissionMissing = "permission_missing", InsufficientScope;
    /// The location requires a role or a permission, and the role map is not known.
    RoleMapUnknown = "role_map_unknown", DependencyUnavailable;
    /// The last certificate of the revocations is older than the policy of the location accepts.
    Stale = "stale", DependencyUnavailable;
    /// The keys or the revocations are not known yet.
    NotReady = "not_ready", DependencyUnavailable;
    /// The decision panicked.
    Panicked = "panicked", DependencyUnavailable;
}

/// Declares the codes once: the variants, their status, and their entries in the table that admin uses too.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $entry:ident, $status:ident;)*) => {
        /// The code of a refusal outside the sidecar.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum RefusalCode {
            $($(#[$doc])* $name,)*
        }

        impl RefusalCode {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => refusal::$entry.code,)*
                }
            }

            /// The status for nginx. For `auth_request` only 401 and 403 are refusals; it turns every other status
            /// into 500, which the shipped configuration turns into 503.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)*
                }
            }

            /// The `error` of the challenge (RFC 6750, section 3.1); none where a challenge has no error, or where
            /// there is no challenge.
            pub const fn challenge_error(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => refusal::$entry.challenge_error,)*
                }
            }

            /// The text for people: the description in the challenge, and the title of nginx's problem.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => refusal::$entry.sentence,)*
                }
            }
        }
    };
}

codes! {
    /// The location requires a token.
    TokenMissing = TOKEN_MISSING, UNAUTHORIZED;
    /// The token is invalid, and no other code says why.
    TokenInvalid = TOKEN_INVALID, UNAUTHORIZED;
    /// The token has expired.
    TokenExpired = TOKEN_EXPIRED, UNAUTHORIZED;
    /// The user has to sign in again.
    TokenRevoked = TOKEN_REVOKED, UNAUTHORIZED;
    /// The client has to refresh its token.
    TokenRefreshNeeded = TOKEN_REFRESH_NEEDED, UNAUTHORIZED;
    /// The token is valid, but its rights are not enough.
    InsufficientScope = INSUFFICIENT_SCOPE, FORBIDDEN;
    /// Refused independently of the token.
    Forbidden = FORBIDDEN, FORBIDDEN;
    /// The sidecar cannot decide. nginx asks another sidecar after a 404 and does not count it as a failure of this one, as it
    /// would a 503: one location that needs more than a sidecar knows must not take it away from all others.
    DependencyUnavailable = DEPENDENCY_UNAVAILABLE, NOT_FOUND;
}

impl Refusal {
    /// Whether the token was valid, but lacks rights that the location requires.
    pub const fn is_by_policy(self) -> bool {
        matches!(self, Self::WrongAudience | Self::RoleMissing | Self::PermissionMissing)
    }

    /// Whether the configuration of nginx is wrong, so that every request to the location is refused.
    pub const fn is_by_configuration(self) -> bool {
        matches!(self, Self::PolicyMissing | Self::PolicyMalformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_number_and_reason() {
        let mut reasons: Vec<_> = Refusal::ALL.iter().map(|refusal| refusal.reason()).collect();
        for (number, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(*refusal as usize, number);
        }
        reasons.sort_unstable();
        reasons.dedup();
        assert_eq!(reasons.len(), Refusal::ALL.len());
    }

    #[test]
    fn every_code_has_its_own_number_and_is_used() {
        for (number, &code) in RefusalCode::ALL.iter().enumerate() {
            assert_eq!(code as usize, number);
            assert!(Refusal::ALL.iter().any(|refusal| refusal.code() == code), "{code:?}");
        }
    }

    #[test]
    fn no_refusal_has_the_status_of_a_success() {
        for &code in RefusalCode::ALL {
            assert!(matches!(code.status().as_u16(), 401 | 403 | 404), "{code:?}");
        }
    }

    #[test]
    fn nginx_sends_every_code_with_the_same_sentence() {
        let problems = include_str!("../../nginx/conf.d/problems.conf");
        let errors = include_str!("../../nginx/snippets/errors.conf");
        for &code in RefusalCode::ALL {
            let (code, sentence) = (code.as_str(), code.sentence());
            let is_title = |line: &str| {
                line.trim().strip_prefix(code).is_some_and(|rest| rest.trim() == format!("\"{sentence}\";"))
            };
            let written_out = format!("\"title\":\"{sentence}\",\"status\":503,\"code\":\"{code}\"");
            assert!(problems.lines().any(is_title) || errors.contains(&written_out), "{code}");
        }
    }
}
