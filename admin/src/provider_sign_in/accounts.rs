//! The accounts at identity providers that are linked to a person.

pub mod link;
pub mod list;
pub mod unlink;
