//! Why the feed gives up a connection, and how faults of the log are counted.

use redis::RedisError;
use shared::revocation::LogFault;

use crate::metrics::Anomaly;

/// Why a connection is closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FeedError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("Redis did not answer in time")]
    TimedOut,
    #[error("the subscription ended")]
    Unsubscribed,
    #[error("the response of Redis has an unknown format")]
    Unreadable,
    #[error("{}", LogFault::NotMaster.sentence())]
    NotMaster,
}

pub(super) const fn anomaly(fault: LogFault) -> Anomaly {
    match fault {
        LogFault::NotMaster => Anomaly::NotMaster,
        LogFault::NoEpoch => Anomaly::NoEpoch,
        LogFault::LowerEpoch => Anomaly::LowerEpoch,
        LogFault::Fork => Anomaly::Fork,
        LogFault::Regressed => Anomaly::Regressed,
        LogFault::Gap => Anomaly::Gap,
        LogFault::Altered => Anomaly::NotAuthentic,
    }
}
