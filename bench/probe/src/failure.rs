//! The error of every command: it ends the program, with a sentence.

/// Any error.
pub(crate) type ProbeError = Box<dyn std::error::Error + Send + Sync>;
