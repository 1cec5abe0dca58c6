//! Recovery: a link by mail, or from an operator, by which a user sets a password.
//!
//! A request for a link does the same work for every address: it is a row of the outbox. Only the worker of mails looks
//! for the account, after the response. A link is used by a POST alone, so a scanner that opens it changes nothing.
//!
//! The worker's requests for codes (`mail_proof`) are answered here too, because an address that has an account may get such a
//! link instead.

mod asked_code;
mod asked_link;
pub mod forgot;
mod issue;
mod purpose;
pub mod reset;
mod store;

pub(crate) use issue::{LinkIssuer, mail_link, print_link};
pub(crate) use purpose::LinkPurpose;
pub(crate) use store::{PURGE, use_export_link};
