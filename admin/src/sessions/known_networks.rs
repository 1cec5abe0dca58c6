//! The networks from which a user signed in.

pub mod expire;
mod store;

pub(crate) use store::note;
