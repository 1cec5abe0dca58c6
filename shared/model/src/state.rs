//! The state of a world: every part, as it is between two actions.

use shared::revocation::{LogPosition, RevocationReader};

use crate::bounds::Bounds;
use crate::postgres::{Postgres, Row};
use crate::redis::ModelRedis;
use crate::relay::ModelRelay;

/// The state of everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// The truth.
    pub postgres: Postgres,
    /// Two servers, one of which replicates the other at first.
    pub servers: [Server; 2],
    /// Two relays.
    pub relays: [ModelRelay; 2],
    pub(crate) sidecar: Sidecar,
    pub(crate) faults: u8,
    /// How often a replica lagged, and how often one was promoted: at most once for each time.
    pub(crate) lags: u8,
    pub(crate) replications: u8,
    /// How often a relay stopped as planned.
    pub(crate) leaves: u8,
    /// A trim whose second half is still to come; only with [`TrimBeforeFloor`](crate::bounds::Mutation::TrimBeforeFloor).
    pub half_trim: Option<(usize, LogPosition)>,
}

/// A server of Redis.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    /// Whether it takes writes.
    pub is_master: bool,
    /// Whether it is a replica that has what its master has. Its keys are not used then.
    pub is_in_step: bool,
    /// Changes when it becomes a master.
    pub replication: u8,
    /// Its keys.
    pub redis: ModelRedis,
}

/// A sidecar.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Sidecar {
    /// Moments are numbers of commits.
    pub(crate) reader: RevocationReader<u8>,
    /// The rows that were applied.
    pub(crate) applied: u8,
}

impl World {
    /// Nothing is committed, and no relay leads.
    pub(crate) fn empty(bounds: Bounds) -> Self {
        let server = |is_master| Server {
            is_master,
            is_in_step: !is_master,
            replication: 0,
            redis: ModelRedis::default(),
        };
        Self {
            postgres: Postgres {
                rows: vec![Row::default(); bounds.rows.into()],
                commits: Vec::new(),
                epoch: 0,
                beats: 0,
                lock: None,
                handover: None,
            },
            servers: [server(true), server(false)],
            relays: [ModelRelay::default(), ModelRelay::default()],
            sidecar: Sidecar::default(),
            faults: 0,
            lags: 0,
            replications: 0,
            leaves: 0,
            half_trim: None,
        }
    }
}
