//! A mail server that keeps every mail in memory and delivers none. Its inbox is a page, and JSON for scripts.
//!
//! It fails on purpose if a test says so. It depends on none of the other crates, so that it cannot repeat their mistakes.

mod catcher;
mod fault;
mod inbox;
mod page;
mod session;
mod state;
mod web;

pub use catcher::{Catcher, CatcherOptions, StartError};
pub use fault::Fault;
pub use inbox::CaughtMail;
