//! Access tokens: what stands in one, and whether to believe it. Signing is elsewhere, on purpose.
//!
//! The order of a verification: [`header`](Verifier::verify) (what it claims to be), the key that its
//! `kid` names (which alone decides the algorithm), the signature, the claims, the times. Revocation,
//! audience and policy are the caller's, because they are judged again on every request while the rest
//! may be remembered.

mod claims;
mod foreign;
mod header;
mod id_token;
mod key;
mod verify;

pub use claims::{Claims, VerifiedToken};
pub use foreign::Foreign;
pub use id_token::{IdTokenCheck, IdTokenError};
pub use key::{Algorithm, JwksError, KeySet, PublicKey};
pub use verify::{Profile, TokenError, Verifier};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The media type of an access token's header (RFC 9068, section 2.1), without its `application/`.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
