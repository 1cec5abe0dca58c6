//! Superusers: the last one stays.

pub(crate) mod store;
