//! Sign-in through identity providers, and the accounts there that are linked to a user.
//!
//! A flow begins with an authorization request and ends with the callback, in one line of files:
//!
//! ```text
//! login, link ─► authorize ─► provider ─► callback ─► providers::identify ─► resolve (decide) ─► outcome
//! ```
//!
//! `exchange` and `confirm` continue where an outcome leaves something to do: a page fetches its tokens, a user confirms
//! a link with the password.

pub mod accounts;
mod authorize;
mod browser;
pub mod callback;
pub mod confirm;
mod decide;
pub mod exchange;
mod failure;
mod flow;
mod identity;
pub mod list;
pub mod login;
mod one_time;
mod outcome;
mod path;
mod pending_link;
mod resolve;
mod return_to;
mod secret;
mod sign_in;
mod store;
