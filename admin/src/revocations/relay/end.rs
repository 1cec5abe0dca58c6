//! Why a binding to Redis ends, and why a relay stops leading.

use super::log::LogError;
use crate::db::DbError;

/// Why a relay no longer leads.
#[derive(Debug, thiserror::Error)]
pub(super) enum SteppedDown {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("{0}")]
    Redis(LogError),
    #[error(
        "Redis is at epoch {theirs}, this relay at {ours}: another relay leads. If it belongs to another \
        deployment, configure a separate REDIS_PREFIX for each"
    )]
    Overtaken { ours: u64, theirs: u64 },
}

/// Why a binding to Redis ended.
pub(super) enum BindingLost {
    /// Begin a new binding, with a new epoch.
    Rebind(LogError),
    /// Stop leading.
    StepDown(SteppedDown),
}

pub(super) fn step_down(error: DbError) -> BindingLost {
    BindingLost::StepDown(SteppedDown::Database(error))
}

/// While filling: every error ends the leadership, a higher epoch with a reason of its own.
pub(super) fn overtaken(ours: u64, error: LogError) -> SteppedDown {
    match error {
        LogError::OtherEpoch(Some(theirs)) if theirs > ours => SteppedDown::Overtaken { ours, theirs },
        error => SteppedDown::Redis(error),
    }
}

/// While live: only a higher epoch ends the leadership.
pub(super) fn binding_lost(ours: u64, error: LogError) -> BindingLost {
    match overtaken(ours, error) {
        SteppedDown::Redis(error) => BindingLost::Rebind(error),
        reason => BindingLost::StepDown(reason),
    }
}
