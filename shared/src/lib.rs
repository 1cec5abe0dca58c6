//! The contract: what `introspect` and `admin` must agree on byte for byte.
//!
//! Purposefully absent: any HTTP framework, any database, any signing. The sidecar depends on this
//! crate and on nothing that could mint a token. What both programs merely do in the same way (configuration,
//! telemetry, Redis connection) is in the crate `runtime`, which depends on this one.
//!
//! Low to high; each module uses only modules before it:
//!
//! * [`bearer`], [`clock`], [`cookie`], [`duration`], [`json`], [`refusal`], [`role`], [`request_id`]: small types and functions that
//!   both programs use;
//! * [`permission`], [`role_map`]: what each role permits, and the form in which sidecars receive it;
//! * [`revocation`]: the 32-byte revocation record, the Redis keys it travels by, and the protocol, as two pure state
//!   machines, that tells a sidecar how old its knowledge is;
//! * [`policy`]: the grammar in which a location says what it requires;
//! * [`token`]: the claims of an access token and their verification against a key set.

pub mod bearer;
pub mod clock;
pub mod cookie;
pub mod duration;
pub mod json;
pub mod permission;
pub mod policy;
pub mod refusal;
pub mod request_id;
pub mod revocation;
pub mod role;
pub mod role_map;
pub mod token;
