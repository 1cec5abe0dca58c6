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
    /// How often a relay stops as planned, and leaves its epoch to the next one.
    pub leaves: u8,
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
    /// A relay goes on with its epoch after it lost its connection, and a late script may open an earlier heartbeat again.
    /// Against that either part is enough.
    NoRebind,
    /// A replica certifies too.
    CertificatesFromReplica,
    /// Answers of different servers count as answers of one.
    AnyServer,
    /// An epoch that was left is continued from where Redis has it.
    AdoptWithoutCompare,
}
