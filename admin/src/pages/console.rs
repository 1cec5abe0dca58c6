//! The console of operators, below `/console/` on a listener of its own that the public gateway does not serve.
//!
//! Its pages are made like those of viewers: one template and one handler each, and the same functions as the API, which check the
//! rights again. [`operator()`] admits users who hold a permission of this service, and each page names the one that it needs.
//! What takes something away says first how many sessions, roles or users that concerns.

mod guard;
mod operator;
mod person_action;
mod person_effects;
mod requirement;
mod role_form;
mod shown;

pub mod audit;
pub mod audit_verify;
pub mod explain;
pub mod invite;
pub mod people;
pub mod permissions;
pub mod person;
pub mod person_act;
pub mod person_history;
pub mod revocations;
pub mod revoke;
pub mod role;
pub mod role_create;
pub mod role_delete;
pub mod roles;
pub mod session;
pub mod sign_in;
pub mod sign_out;
pub mod start;
pub mod system;

pub use guard::{any_user, operator, operator_sends, visitor, visitor_sends};
