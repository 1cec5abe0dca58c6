//! The sidecar that answers nginx's `auth_request` subrequests, from memory alone.
//!
//! A request meets the files in this order: [`headers`] (the contract with nginx), [`server`] (the connection),
//! [`routes`] (catches panics, counts, logs), [`decide`], [`bearer`] (headers to raw token), [`policy_cache`] (what the
//! location requires), [`token_cache`] or `shared::token` (the verified token), [`revoked`] (whether it was revoked),
//! [`rights`] (what its roles give), [`verdict`] (the response), with [`refusal`] for every reason. Nothing on this way
//! waits, locks or leaves the process.
//!
//! A revocation takes the way from [`feed`] (Redis) to [`revoked`], a change of a role from [`feed`] to
//! [`rights`]. The next request sees it.
//!
//! Beside them: [`keys`] (the issuer's, kept up to date), [`ready`], [`metrics`], [`decision_log`], [`decision_span`],
//! [`config`], and [`app`], which knows them all. ARCHITECTURE.md says in which order to read them.

pub mod app;
pub mod bearer;
pub mod config;
pub mod decide;
pub mod decision_log;
pub mod decision_span;
pub mod feed;
pub mod headers;
pub mod keys;
pub mod metrics;
pub mod policy_cache;
pub mod ready;
pub mod refusal;
pub mod revoked;
pub mod rights;
pub mod routes;
pub mod server;
pub mod token_cache;
pub mod verdict;
