//! The accounts at identity providers that are linked to a user.

pub mod link;
pub mod list;
pub mod unlink;
