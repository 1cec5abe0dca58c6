//! An erasure that can still be cancelled.

use jiff::Timestamp;
use uuid::Uuid;

/// An erasure that has not been done yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PendingErasure {
    pub(crate) user: Uuid,
    pub(crate) requested_at: Timestamp,
    /// When it will be done.
    pub(crate) due_at: Timestamp,
    /// The generation of the user's tokens: what ends all sessions ends the flows, too.
    pub(crate) generation: u64,
    pub(crate) is_superuser: bool,
}
