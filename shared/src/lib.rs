//! What `introspect` and `admin` must agree on byte for byte, and the plumbing both use verbatim.
//!
//! Purposefully absent: any HTTP framework, any database, any signing. The sidecar depends on this
//! crate and on nothing that could mint a token.
//!
//! In reading order:
//!
//! * [`token`]: the claims of an access token and their verification against a key set;
//! * [`revocation`]: the 32-byte revocation record, and the Redis keys and positions it travels by;
//! * [`role_map`]: what each role permits, by [`permission`], and the form in which sidecars are told;
//! * [`role`], [`request_id`], [`clock`]: small words of both programs;
//! * [`mod@redis`]: where Redis is, and a client of the master that is there now;
//! * [`mod@env`], [`listen`], [`telemetry`], [`health`], [`shutdown`]: how a program is configured, reached, heard, asked
//!   and stopped.

pub mod certificates;
pub mod clock;
pub mod env;
pub mod health;
pub mod listen;
pub mod permission;
pub mod redis;
pub mod request_id;
pub mod revocation;
pub mod role;
pub mod role_map;
pub mod shutdown;
pub mod telemetry;
pub mod token;
