//! What operators do with other people's accounts. Not reachable through the gateway.

pub mod disable;
pub mod enable;
pub mod end_session;
pub mod end_sessions;
mod guard;
pub mod history;
pub mod list;
pub mod sessions;
pub mod show;
mod store;
pub mod superuser;

use crate::api::{Operation, Shape};

/// Adds what the document says of `{id}`.
fn of_user(operation: Operation) -> Operation {
    operation.path("id", "The user.", Shape::uuid("0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b"))
}
