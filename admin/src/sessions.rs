//! Proof of who someone is.
