//! For which client a password is hashed. It decides the lane and the turn in the queue.

/// The client for which a password is hashed. Its numbers are keyed hashes, so that no client can choose them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// A known device or a known network of an account, or the owner of a valid session.
    Known {
        /// The account.
        account: u64,
    },
    /// Any other client.
    Stranger(StrangerOrigin),
    /// A stranger beyond the limit of its address: all of them together get at most a tenth of the capacity.
    Slow(StrangerOrigin),
    /// A command of an operator.
    Operator,
}

/// Where a stranger's request comes from, and for which identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrangerOrigin {
    /// The network: the /24 of an IPv4 address, the /48 of an IPv6 address.
    pub network: u64,
    /// The IPv4 address, or the /64 of an IPv6 address.
    pub address: u64,
    /// The identifier that the request names.
    pub identifier: u64,
}
