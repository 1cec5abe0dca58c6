//! The networks from which a user signed in.

pub(crate) mod store;

pub(crate) use store::note;
