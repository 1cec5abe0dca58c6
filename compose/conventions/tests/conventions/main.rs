//! Holds the source tree to the rules that ARCHITECTURE.md and CONTRIBUTING.md state. It runs nothing of it.
//!
//! `workspace` finds the crates, `modules` reads a crate's files, `code` what they hold, `arrows` which names which;
//! the other files are the tests.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do; clippy knows only the functions marked as tests"
)]

mod arrows;
mod circles;
mod code;
mod modules;
mod order;
mod places;
mod words;
mod workspace;
