//! Positions in the configuration's text, and the error for text that cannot be read.

/// Where a directive begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct SourcePosition {
    /// The number of the file in the dump, from 0.
    pub(crate) file: usize,
    /// The line in it, from 1.
    pub(crate) line: usize,
    /// The number of its first word in the file, because a line can have several directives.
    pub(crate) word: usize,
}

/// The text of a dump. nginx compares bytes, so that two names that are not UTF-8 stay two: unless the whole dump is UTF-8, each
/// byte becomes a character of its own.
pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect())
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
