//! A role assignment, as returned to clients, and one to create.

use jiff::Timestamp;
use serde::Serialize;
use shared::role::RoleName;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::roles::role::NameOfRole;

/// An assignment, as returned to clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Assignment {
    /// The role.
    #[schema(value_type = NameOfRole)]
    pub(crate) role: RoleName,
    pub(crate) granted_at: Timestamp,
    /// Who assigned it; null for the command line.
    #[schema(required)]
    pub(crate) granted_by: Option<Uuid>,
    /// When it expires; null for never.
    #[schema(required)]
    pub(crate) expires_at: Option<Timestamp>,
    /// Why it was assigned.
    #[schema(required)]
    pub(crate) reason: Option<String>,
}

/// The assignment to create, or to change an existing one into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewAssignment {
    pub(super) expires_at: Option<Timestamp>,
    pub(super) granted_by: Option<Uuid>,
    pub(super) reason: Option<String>,
}

impl NewAssignment {
    /// Truncated to the microsecond, as stored: otherwise an equal time would look different.
    pub fn new(expires_at: Option<Timestamp>, reason: Option<String>) -> Self {
        let to_stored = |end: Timestamp| Timestamp::from_microsecond(end.as_microsecond()).unwrap_or(end);
        Self { expires_at: expires_at.map(to_stored), granted_by: None, reason }
    }
}
