//! Roles: what they permit and inherit, and who is assigned to them (RBAC, in NIST's terms).
//!
//! Tokens carry role names only. The meaning of the names is sent to the sidecars as a map, complete, after
//! every change: `revocations` publishes it. A changed assignment or a renamed role begins a new generation
//! of the holder's tokens instead.
//!
//! Lock order: the definitions (`auth.role_map`; shared for assigning, exclusive for defining), then users,
//! then sessions, and last of all the end of the audit log.

pub mod assignments;
pub mod change;
pub mod create;
mod definition;
pub mod delete;
pub mod ends;
pub mod list;
pub mod permissions;
mod protect;
mod role;
pub mod show;
mod store;

pub use assignments::{AssignError, Assigned, NewAssignment, assign_by_email, assign_to};
pub use create::{NewRole, create};
pub use definition::DefinitionError;
pub use protect::{ProtectError, protect};
pub use role::{RoleRef, RoleView};

/// The highest total length in bytes of all role names of one user, separated by commas.
///
/// nginx accepts 4 KiB of headers from the sidecar, including `X-User-Roles`; the names are also by far the
/// largest claim of an access token.
pub(crate) const MAX_NAMES_BYTES: usize = 2048;
