//! Another e-mail address of an account, by proof; and how the holder of the former one undoes the change.
//!
//! The address changes with the proof. Then the former one gets a link, which freezes how the account is signed in to; or, with
//! the password from before the change or on a device that was known before it, takes the address back. The request is
//! `me::change_email`; what is stored is in `users::email_changes`.

mod answer;
mod apply;
pub(crate) mod by_link;
pub mod freeze;
mod join;
mod present;
mod prove;
pub mod undo;
pub mod verify;

pub(crate) use answer::AddressAnswer;
