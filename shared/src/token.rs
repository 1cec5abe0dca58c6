//! Access tokens: their claims and their verification. Signing is elsewhere on purpose.
//!
//! The order of a verification: the header, the key that its `kid` names (which alone determines the algorithm), the
//! signature, the claims, the times. Revocation, audience and policy are checked by the caller, because they are
//! checked on every request while the rest may be cached.
//!
//! Low to high: `error`, `key`, `header`, `jws`, `claims`, `foreign`, `verify`, `id_token`.

mod claims;
mod error;
mod foreign;
mod header;
mod id_token;
mod jws;
mod key;
mod verify;

pub use claims::{ACCESS_TOKEN_TYPE, Claims, VerifiedToken};
pub use error::TokenError;
pub use foreign::Foreign;
pub use id_token::{IdTokenCheck, IdTokenError, MAX_ID_TOKEN_BYTES};
pub use jws::MAX_TOKEN_BYTES;
pub use key::{Algorithm, JwksError, KeySet, PublicKey};
pub use verify::{TokenProfile, Verifier};
