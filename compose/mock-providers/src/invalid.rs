//! Why a configuration, a client or a person is refused.

/// What is wrong with what was given, as a sentence for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(crate) String);
