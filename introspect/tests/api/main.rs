//! The sidecar over its sockets, against a real Redis: one module a family of behaviours.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do; clippy knows only the functions marked as tests"
)]

mod allow;
mod command;
mod decider;
mod deny;
mod drain;
mod feed;
mod keys;
mod limits;
mod log;
mod policy;
mod ready;
mod refresh;
mod revocation;
mod roles;
mod sources;
mod support;
