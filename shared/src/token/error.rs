//! The reasons for which a token is refused.

/// Why a token is refused. Never quotes its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenError {
    /// Over [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES), or, for an ID token,
    /// [`MAX_ID_TOKEN_BYTES`](super::MAX_ID_TOKEN_BYTES).
    #[error("the token is too long")]
    TooLong,
    /// Not three base64url parts with JSON in the first two, or a claim of a wrong form.
    #[error("the token is malformed")]
    Malformed,
    /// `typ` is not that of an access token.
    #[error("the token is not an access token")]
    WrongType,
    /// A header member that this verifier refuses: `crit`, `b64`, `jku`, `jwk`, `x5u`, ...
    #[error("the token's header has a member that is not allowed")]
    ForbiddenHeader,
    /// No `kid`, or one of no known key. The keys may have to be fetched again.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The header's `alg` is not the key's.
    #[error("the token's algorithm does not match its key")]
    WrongAlgorithm,
    /// The signature does not verify.
    #[error("the token's signature is invalid")]
    BadSignature,
    /// A required claim is missing.
    #[error("the token has no value for a required claim")]
    MissingClaim,
    /// `iss` differs from the expected one.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// An identity, or a list of roles, of another form than the issuer's profile has, or that does not fit safely into a
    /// header.
    #[error("the token's identity or roles have an invalid form")]
    UnfitIdentity,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `iat`, or a foreign token's `nbf`, is in the future, beyond the leeway.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// `exp - iat` is more than the longest lifetime, or not positive.
    #[error("the token's lifetime is too long or not positive")]
    LifeTooLong,
}
