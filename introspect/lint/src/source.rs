//! Positions in the configuration's text, and the error for text that cannot be read.

/// Where a directive begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct SourcePosition {
    /// The number of the file in the dump, from 0.
    pub(crate) file: usize,
    /// The line in it, from 1.
    pub(crate) line: usize,
}

/// The text is not the output of `nginx -T`, or it contains something that the linter does not support.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}.")]
pub struct NotUnderstood {
    /// `file:line`, or `input:line` before the first file.
    pub place: String,
    /// The part that was not understood, as a clause.
    pub why: String,
}
