//! The sizes of a world, and what is left out of the protocol in it.

/// The sizes of the world, and what is wrong in it.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many revocations are committed.
    pub rows: u8,
    /// How many faults happen.
    pub faults: u8,
    /// How many heartbeats are opened.
    pub beats: u8,
    /// A part of the protocol that is left out, to show that the search notices it.
    pub mutation: Option<Mutation>,
}

/// A part of the protocol that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// A heartbeat is opened when it is closed.
    OnePhaseHeartbeat,
    /// Records are appended whatever Redis holds.
    AppendWithoutCompare,
    /// Records are dropped before the floor is raised.
    TrimBeforeFloor,
    /// A relay goes on with its epoch after it lost its connection.
    NoRebind,
    /// A replica certifies too.
    CertificatesFromReplica,
    /// Answers of different servers count as answers of one.
    AnyServer,
}
