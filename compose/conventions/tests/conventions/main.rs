//! Checks the source tree against the rules in ARCHITECTURE.md and CONTRIBUTING.md. Runs none of its code.
//!
//! `workspace` finds the crates, `modules` reads a crate's files, `code` reads their paths, texts and types, `arrows`
//! finds the dependencies; the other files are the tests.

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
mod requirements;
mod test_filters;
mod types;
mod words;
mod workspace;
