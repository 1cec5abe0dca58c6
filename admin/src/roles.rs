//! What someone may do.
