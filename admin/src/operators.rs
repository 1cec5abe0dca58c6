//! The actions of operators on other users' accounts. Not reachable through the gateway.

pub mod accounts;
mod create;
pub mod disable;
pub mod enable;
pub mod end_session;
pub mod end_sessions;
pub mod erase;
pub mod evict;
pub mod export;
mod guard;
pub mod history;
pub(crate) mod import;
pub mod invite;
pub mod list;
pub mod merge;
pub mod position;
mod read;
pub(crate) mod reason;
pub mod revoke;
pub mod send_reset;
pub mod sessions;
pub mod set_email;
pub mod show;
mod store;
pub mod superuser;
pub mod unfreeze;
pub mod unlock;

pub use create::{CreateError, NewAccount, create_account, create_superuser};
pub(crate) use list::{Searched, search};
pub(crate) use read::{note_search, note_view};
pub(crate) use show::{Details, details};
pub(crate) use store::Person;
