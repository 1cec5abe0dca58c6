//! Access tokens: their claims and their verification. Signing is elsewhere on purpose.
//!
//! The order of a verification: the header, the key that its `kid` names (which alone determines the algorithm), the
//! signature, the claims, the times. Revocation, audience and policy are checked by the caller, because they are
//! checked on every request while the rest may be cached.
//!
//! Low to high: `error`, `key`, `jwk`, `key_set`, `header`, `jws`, `claims`, `foreign`, `verify`, `id_token`.

mod claims;
mod error;
mod foreign;
mod header;
mod id_token;
mod jwk;
mod jws;
mod key;
mod key_set;
mod verify;

pub use claims::{ACCESS_TOKEN_TYPE, Claims, PASSWORD_METHOD, VerifiedToken, is_uuid};
pub use error::TokenError;
pub use foreign::Foreign;
pub use id_token::{IdTokenCheck, IdTokenError, MAX_ID_TOKEN_BYTES};
pub use jws::MAX_TOKEN_BYTES;
pub use key::{Algorithm, PublicKey};
pub use key_set::{JwksError, KeySet, RefusedKey};
pub use verify::{TokenProfile, Verifier};
