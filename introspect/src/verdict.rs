//! The outcome of a decision and its form on the wire. The only place in the program that can say 2xx.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Empty;
use shared::token::TokenError;

use crate::metrics::Tally;
use crate::remembered::Known;

/// Who is asking, for whatever stands behind nginx.
pub const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
/// With which roles; commas between.
pub const USER_ROLES: HeaderName = HeaderName::from_static("x-user-roles");
/// In which session.
pub const SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");

/// An answer on the decision listener. The type is the promise that it has no body: nginx drops the
/// connection after each answer that has one.
pub type Answer = Response<Empty<Bytes>>;

/// What was decided.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Let through.
    Allow(Identity),
    /// Refused, for one reason.
    Deny(Refusal),
}

/// Who is let through.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Whoever it is; only a policy that begins with `anonymous` lets them through.
    Nobody,
    /// The bearer of a good token.
    Known(Arc<Known>),
}

/// Declares the reasons once: the variants, the list of them and their labels.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)*) => {
        /// Why a request is refused: one label, one status and one challenge each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
        }

        impl Refusal {
            /// Every reason, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word of metrics and log lines.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)*
                }
            }
        }
    };
}

refusals! {
    /// Not what nginx's subrequest looks like: method, version, body or upgrade.
    UnfitRequest = "unfit_request",
    /// No policy, an empty one or two.
    PolicyMissing = "policy_missing",
    /// A policy that does not follow the grammar.
    PolicyMalformed = "policy_malformed",
    /// No token, and the location demands one.
    TokenMissing = "token_missing",
    /// Two tokens: whose request it is cannot be known.
    TokenRepeated = "token_repeated",
    /// See [`TokenError::TooLong`].
    TokenTooLong = "token_too_long",
    /// See [`TokenError::Malformed`]; also a `Bearer` with no token or odd bytes.
    TokenMalformed = "token_malformed",
    /// See [`TokenError::WrongType`].
    WrongType = "wrong_type",
    /// See [`TokenError::ForbiddenHeader`].
    ForbiddenHeader = "forbidden_header",
    /// See [`TokenError::UnknownKey`].
    UnknownKey = "unknown_key",
    /// See [`TokenError::WrongAlgorithm`].
    WrongAlgorithm = "wrong_algorithm",
    /// See [`TokenError::BadSignature`].
    BadSignature = "bad_signature",
    /// See [`TokenError::MissingClaim`].
    MissingClaim = "missing_claim",
    /// See [`TokenError::WrongIssuer`].
    WrongIssuer = "wrong_issuer",
    /// See [`TokenError::UnfitIdentity`].
    UnfitIdentity = "unfit_identity",
    /// See [`TokenError::IssuedInFuture`].
    IssuedInFuture = "issued_in_future",
    /// See [`TokenError::LifeTooLong`].
    LifeTooLong = "life_too_long",
    /// A good token, but meant for somebody else.
    WrongAudience = "wrong_audience",
    /// See [`TokenError::Expired`].
    Expired = "expired",
    /// The token, its session, its user, its key or everything was revoked.
    Revoked = "revoked",
    /// The token's roles are no longer the user's; a refresh brings a good one.
    RefreshNeeded = "refresh_needed",
    /// None of the roles that the location demands.
    RoleMissing = "role_missing",
    /// Not the permission that the location demands.
    PermissionMissing = "permission_missing",
    /// The location demands a role or a permission, and what these are is not known.
    RoleMapUnknown = "role_map_unknown",
    /// The keys or the revocations are not known yet.
    NotReady = "not_ready",
    /// The decision panicked.
    Panicked = "panicked",
}

/// The `WWW-Authenticate` values of one realm (RFC 6750, section 3), built once.
#[derive(Debug)]
pub struct Challenges {
    bare: HeaderValue,
    invalid: HeaderValue,
    repeated: HeaderValue,
    expired: HeaderValue,
    revoked: HeaderValue,
    refresh: HeaderValue,
    insufficient: HeaderValue,
}

impl Verdict {
    /// Counts the verdict and makes the answer to nginx of it.
    pub fn answer(&self, challenges: &Challenges, tally: &Tally) -> Answer {
        tally.decided(self);
        match self {
            Self::Allow(identity) => allowed(identity),
            Self::Deny(refusal) => refused(*refusal, challenges),
        }
    }
}

impl Refusal {
    /// Whether who was refused had a good token, and less than the location demands.
    pub const fn is_by_policy(self) -> bool {
        matches!(self, Self::WrongAudience | Self::RoleMissing | Self::PermissionMissing)
    }

    /// Whether no request to that location can do better.
    pub const fn is_a_mistake_of_nginx(self) -> bool {
        matches!(self, Self::PolicyMissing | Self::PolicyMalformed)
    }

    /// The status, and the challenge that goes with it. To `auth_request` only 401 and 403 are refusals;
    /// it makes 500 of anything else, and the shipped snippet makes 503 of that.
    fn status<'c>(self, challenges: &'c Challenges) -> (StatusCode, Option<&'c HeaderValue>) {
        let unauthorized = |challenge: &'c HeaderValue| (StatusCode::UNAUTHORIZED, Some(challenge));
        match self {
            Self::UnfitRequest | Self::PolicyMissing | Self::PolicyMalformed => (StatusCode::FORBIDDEN, None),
            Self::TokenMissing => unauthorized(&challenges.bare),
            Self::TokenRepeated => unauthorized(&challenges.repeated),
            Self::Expired => unauthorized(&challenges.expired),
            Self::Revoked => unauthorized(&challenges.revoked),
            Self::RefreshNeeded => unauthorized(&challenges.refresh),
            Self::TokenTooLong
            | Self::TokenMalformed
            | Self::WrongType
            | Self::ForbiddenHeader
            | Self::UnknownKey
            | Self::WrongAlgorithm
            | Self::BadSignature
            | Self::MissingClaim
            | Self::WrongIssuer
            | Self::UnfitIdentity
            | Self::IssuedInFuture
            | Self::LifeTooLong
            | Self::WrongAudience => unauthorized(&challenges.invalid),
            Self::RoleMissing | Self::PermissionMissing => {
                (StatusCode::FORBIDDEN, Some(&challenges.insufficient))
            }
            Self::RoleMapUnknown | Self::NotReady | Self::Panicked => (StatusCode::SERVICE_UNAVAILABLE, None),
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::TooLong => Self::TokenTooLong,
            TokenError::Malformed => Self::TokenMalformed,
            TokenError::WrongType => Self::WrongType,
            TokenError::ForbiddenHeader => Self::ForbiddenHeader,
            TokenError::UnknownKey => Self::UnknownKey,
            TokenError::WrongAlgorithm => Self::WrongAlgorithm,
            TokenError::BadSignature => Self::BadSignature,
            TokenError::MissingClaim => Self::MissingClaim,
            TokenError::WrongIssuer => Self::WrongIssuer,
            TokenError::UnfitIdentity => Self::UnfitIdentity,
            TokenError::Expired => Self::Expired,
            TokenError::IssuedInFuture => Self::IssuedInFuture,
            TokenError::LifeTooLong => Self::LifeTooLong,
        }
    }
}

impl Challenges {
    /// The challenges of `realm`; `None` when it holds anything that would have to be quoted.
    pub fn new(realm: &str) -> Option<Self> {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if realm.is_empty() || !realm.bytes().all(plain) {
            return None;
        }
        let value = |rest: &str| HeaderValue::try_from(format!("Bearer realm=\"{realm}\"{rest}")).ok();
        let invalid = |why| value(&format!(", error=\"invalid_token\", error_description=\"{why}\""));
        Some(Self {
            bare: value("")?,
            invalid: invalid("The access token is not valid")?,
            repeated: invalid("More than one access token was sent")?,
            expired: invalid("The access token has expired")?,
            revoked: invalid("The access token has been revoked")?,
            refresh: invalid("The access token must be refreshed")?,
            insufficient: value(", error=\"insufficient_scope\"")?,
        })
    }
}

/// 204 needs no `Content-Length`: the status alone says that there is no body.
fn allowed(identity: &Identity) -> Answer {
    let mut answer = Response::new(Empty::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    if let Identity::Known(known) = identity {
        let headers = answer.headers_mut();
        headers.reserve(3);
        headers.insert(USER_ID, known.user_id.clone());
        headers.insert(USER_ROLES, known.rights.header.clone());
        if let Some(session) = &known.session_id {
            headers.insert(SESSION_ID, session.clone());
        }
    }
    answer
}

fn refused(refusal: Refusal, challenges: &Challenges) -> Answer {
    let (status, challenge) = refusal.status(challenges);
    let mut answer = Response::new(Empty::new());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    if let Some(challenge) = challenge {
        headers.insert(WWW_AUTHENTICATE, challenge.clone());
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_number_and_label() {
        let mut labels: Vec<_> = Refusal::ALL.iter().map(|refusal| refusal.label()).collect();
        for (number, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(*refusal as usize, number);
        }
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Refusal::ALL.len());
    }

    #[test]
    fn no_refusal_is_a_success() {
        let challenges = Challenges::new("cinema").unwrap();
        let tally = Tally::default();
        for &refusal in Refusal::ALL {
            let answer = Verdict::Deny(refusal).answer(&challenges, &tally);
            assert!(matches!(answer.status().as_u16(), 401 | 403 | 503), "{refusal:?}");
            assert_eq!(answer.headers()[CONTENT_LENGTH], "0");
            assert_eq!(
                answer.headers().contains_key(WWW_AUTHENTICATE),
                answer.status() == 401
                    || matches!(refusal, Refusal::RoleMissing | Refusal::PermissionMissing)
            );
            assert_eq!(answer.headers().contains_key(RETRY_AFTER), answer.status() == 503);
        }
    }

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        for bad in ["", "a\"b", "a\\b", "a\r\nb", "é"] {
            assert!(Challenges::new(bad).is_none(), "{bad:?}");
        }
    }
}
