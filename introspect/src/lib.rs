//! The sidecar that answers nginx's `auth_request` subrequests, from memory alone.
//!
//! ARCHITECTURE.md says in which order to read the modules, and which may depend on which.

pub mod app;
pub mod bearer;
pub mod config;
pub mod decide;
pub mod decision_log;
pub mod decision_span;
pub mod feed;
pub mod freshness;
pub mod headers;
pub mod issuer_keys;
pub mod keys;
pub mod knowledge;
pub mod metrics;
pub mod policy_cache;
pub mod refusal;
pub mod revoked;
pub mod rights;
pub mod routes;
pub mod server;
pub mod token_cache;
pub mod verdict;
