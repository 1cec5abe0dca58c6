//! What ends a run early.

/// An error of any step.
pub(crate) type BenchError = Box<dyn std::error::Error + Send + Sync>;
