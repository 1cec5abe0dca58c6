//! The API as seen by a client: a real service on real stores, one service for each test.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod support;
mod witness;

mod audit;
mod catalogue;
mod commands;
mod connections;
mod consent;
mod console;
mod document;
mod documentation;
mod erasure;
mod evict;
mod export;
mod frozen;
mod guessing;
mod hang_up;
mod health;
mod history;
mod hung;
mod keys;
pub(crate) mod locks;
mod mail;
mod merge;
mod migrations;
mod operator_commands;
mod operators;
mod pages;
mod problems;
mod provider_sign_in;
mod purges;
mod revocations;
mod roles;
mod sessions;
mod unreadable;
mod users;
