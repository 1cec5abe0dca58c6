//! Why a configuration, a client or a person is refused.

/// Why an input is invalid, as a sentence for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(crate) String);
