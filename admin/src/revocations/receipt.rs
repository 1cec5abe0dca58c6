//! What a request that recorded a revocation can ask about it later.

/// Names a revocation that was recorded in a transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Receipt(pub(super) i64);
