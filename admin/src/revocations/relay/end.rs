//! Why an action of the relay fails, and why a relay stops leading.

use shared::revocation::LeaderFault;

use super::log::LogError;
use crate::db::DbError;

/// Why an action failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Redis(#[from] LogError),
    /// A defect of this program: the leader asked for something that it has not prepared.
    #[error("the relay is in a state that must not occur")]
    OutOfOrder,
}

/// Why a relay no longer leads.
#[derive(Debug, thiserror::Error)]
pub(super) enum SteppedDown {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("{0}")]
    Fault(Fault),
    #[error(
        "Redis is at epoch {theirs}, this relay at {ours}: another relay leads. If it belongs to another \
        deployment, configure a separate REDIS_PREFIX for each"
    )]
    Overtaken { ours: u64, theirs: u64 },
}

impl Fault {
    /// What the leader decides by.
    pub(super) const fn kind(&self) -> LeaderFault {
        match self {
            Self::Database(_) | Self::OutOfOrder => LeaderFault::Database,
            Self::Redis(LogError::OtherEpoch(Some(theirs))) => LeaderFault::OtherEpoch(*theirs),
            Self::Redis(_) => LeaderFault::Redis,
        }
    }

    /// Whether Redis refuses or fails. That another relay has written to it is no failure.
    pub(super) const fn is_of_redis(&self) -> bool {
        match self {
            Self::Redis(LogError::OtherEpoch(_) | LogError::Fork) | Self::Database(_) | Self::OutOfOrder => {
                false
            }
            Self::Redis(
                LogError::NotMaster | LogError::TimedOut | LogError::Redis(_) | LogError::NotPrepared,
            ) => true,
        }
    }

    /// A higher epoch has a reason of its own.
    pub(super) fn stepped_down(self, ours: u64) -> SteppedDown {
        match self {
            Self::Redis(LogError::OtherEpoch(Some(theirs))) if theirs > ours => {
                SteppedDown::Overtaken { ours, theirs }
            }
            Self::Database(error) => SteppedDown::Database(error),
            fault => SteppedDown::Fault(fault),
        }
    }
}
