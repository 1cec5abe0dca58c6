//! The sidecar that answers nginx's `auth_request`, from memory alone.
//!
//! A request, in the order it meets the files: [`server`] (the connection), [`routes`], [`decide`],
//! [`bearer`] (headers to raw token) with [`policy`] (what the location demands), [`remembered`] or
//! `shared::token` (is the token good), [`revoked`] (does it still stand), [`rights`] (what its roles give),
//! [`verdict`] (the answer, and its count). Nothing on this way waits, locks or leaves the process.
//!
//! A revocation: [`feed`] (Redis) to [`revoked`]; a change of a role: [`feed`] to [`rights`]. The next request sees it.
//!
//! Beside them: [`keys`] (the issuer's, kept up to date), [`ready`], [`metrics`], [`lines`] (the log), [`traces`],
//! [`config`], and [`app`], which knows them all.

pub mod app;
pub mod bearer;
pub mod config;
pub mod decide;
pub mod feed;
pub mod keys;
pub mod lines;
pub mod lint;
pub mod metrics;
pub mod policy;
pub mod ready;
pub mod remembered;
pub mod revoked;
pub mod rights;
pub mod routes;
pub mod server;
pub mod traces;
pub mod verdict;
