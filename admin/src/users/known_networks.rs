//! The networks from which a user signed in or registered.

pub(crate) mod store;

pub(crate) use store::note;
