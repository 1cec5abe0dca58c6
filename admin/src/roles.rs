//! What someone may do: roles, what they permit and inherit, and who has which (RBAC, in the words of NIST).
//!
//! Tokens carry the names of roles alone. What a name means reaches the sidecars as a map, whole, with every change:
//! `revocations` publishes it. A changed assignment, and a changed name, begin a new generation of the holder's
//! tokens instead.
//!
//! Locks, in this order: the definitions (`auth.role_map`; held by whoever assigns, held alone by whoever defines),
//! then users, then sessions, and the end of the audit log last of all.

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

pub use assignments::{AssignError, Assigned, assign_by_email};
pub use create::{NewRole, create};
pub use definition::DefinitionError;
pub use protect::{ProtectError, protect};

/// How many bytes all role names of one person take together, with commas between them.
///
/// nginx takes 4 KiB of headers from the sidecar, and `X-User-Roles` is one of them; it is also by far the
/// largest claim of an access token.
pub(crate) const MAX_NAMES_BYTES: usize = 2048;
