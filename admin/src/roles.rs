//! What someone may do: roles, and who has which.

mod assign;
mod create;
pub(crate) mod store;

pub use assign::{AssignError, Assigned, assign};
pub use create::{CreateError, create};

/// How many bytes all role names of one person take together, with commas between them.
///
/// nginx takes 4 KiB of headers from the sidecar, and `X-User-Roles` is one of them; it is also by far the
/// largest claim of an access token.
pub(crate) const MAX_NAMES_BYTES: usize = 2048;
