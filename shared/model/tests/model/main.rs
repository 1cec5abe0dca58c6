//! The search, and the modelled scripts beside the real ones.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy knows only the functions marked as tests"
)]

mod promise;
mod scripts;
