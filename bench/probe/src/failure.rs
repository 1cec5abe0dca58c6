//! The error of every command: it ends the program, with a sentence.

/// Any error.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
