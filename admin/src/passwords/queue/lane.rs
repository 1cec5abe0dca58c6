//! The lanes, and the place of a client within one.

use crate::passwords::party::{Party, StrangerOrigin};

/// A lane of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Known devices, known networks, signed-in users, operators.
    Known,
    /// Strangers.
    Stranger,
    /// Strangers beyond the limit of their address.
    Slow,
}

/// Where a ticket is held.
#[derive(Debug, Clone, Copy)]
pub(super) struct LanePlace {
    pub(super) lane: Lane,
    pub(super) path: [u64; 3],
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 3] = [Self::Known, Self::Stranger, Self::Slow];

    /// Its name in metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Stranger => "stranger",
            Self::Slow => "slow",
        }
    }

    /// The lane of a client.
    pub(in crate::passwords) fn of(party: Party) -> Self {
        LanePlace::of(party).lane
    }
}

impl LanePlace {
    pub(super) fn of(party: Party) -> Self {
        let path = |StrangerOrigin { network, address, identifier }| [network, address, identifier];
        match party {
            Party::Known { account } => Self { lane: Lane::Known, path: [account, 0, 0] },
            Party::Operator => Self { lane: Lane::Known, path: [0; 3] },
            Party::Stranger(origin) => Self { lane: Lane::Stranger, path: path(origin) },
            Party::Slow(origin) => Self { lane: Lane::Slow, path: path(origin) },
        }
    }

    pub(super) fn network(self) -> u64 {
        let [network, ..] = self.path;
        network
    }
}
