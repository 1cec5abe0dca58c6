//! The sidecar over its sockets, with a real Redis: one module for each group of behaviours.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do; clippy knows only the functions marked as tests"
)]

mod acknowledgements;
mod allow;
mod command;
mod decider;
mod deny;
mod drain;
mod feed;
mod freshness;
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
