//! A way that is open, as the rules report it.

use crate::source::SourcePosition;

/// Why a way is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Its block does not ask.
    NeverAsks,
    /// An address or a password is enough.
    SatisfyAny,
    /// nginx itself may answer the subrequest.
    AnsweredByNginx,
    /// A location that asks is left before its answer, or a subrequest enters one without asking.
    Left,
}

/// An open way that no block declares.
#[derive(Debug)]
pub(crate) struct OpenWay {
    pub(crate) cause: Cause,
    pub(crate) at: SourcePosition,
    /// A sentence.
    pub(crate) problem: String,
}
