//! Sign-in through identity providers, and the accounts there that are linked to a user.
//!
//! A flow begins with an authorization request and ends with the callback, in one line of files:
//!
//! ```text
//! login, link ─► authorize ─► provider ─► callback ─► providers::identify ─► resolve (decide) ─► outcome
//! ```
//!
//! `exchange` and `linking` continue where an outcome leaves something to do: a page fetches its tokens, a user
//! confirms a link or declines.

pub mod accounts;
mod attempts;
mod authorize;
mod browser;
pub mod callback;
mod decide;
mod email_proof;
pub mod exchange;
mod failure;
mod flow;
mod identity;
mod link_facts;
mod link_methods;
pub mod linking;
pub mod list;
mod locked_facts;
pub mod login;
mod one_time;
mod outcome;
mod path;
mod pending_link;
mod pending_move;
mod pending_proof;
mod prove_again;
mod proven_again;
mod resolution;
mod resolve;
mod return_to;
mod secret;
mod sign_in;
mod store;
mod stored_identity;

pub(crate) use authorize::Started;
pub(crate) use prove_again::{finish_proof, start_proof};
pub(crate) use return_to::{MAX_LENGTH as MAX_RETURN_TO, may_return_to};
pub(crate) use store::{linked_providers, move_links};
