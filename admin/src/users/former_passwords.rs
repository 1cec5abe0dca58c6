//! Passwords that a session replaced within 72 hours: with one of them the owner undoes a change of the address that followed.
//!
//! Of several, the first one counts: a thief of a session who changes the password again does not replace the owner's.

pub(crate) mod store;
