//! The actions of operators on other users' accounts. Not reachable through the gateway.

pub mod accounts;
pub mod disable;
pub mod enable;
pub mod end_session;
pub mod end_sessions;
pub mod evict;
mod guard;
pub mod history;
pub(crate) mod import;
pub mod list;
pub mod sessions;
pub mod show;
mod store;
pub mod superuser;
pub mod unlock;

pub use superuser::{SuperuserError, create_superuser};
