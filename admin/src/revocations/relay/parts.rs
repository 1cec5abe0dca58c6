//! What a relay works with, for all its terms.

use runtime::redis::Redis;
use shared::revocation::{LogKeys, RedisKeys};

use super::timing::RelayTiming;
use crate::config::DatabaseConfig;
use crate::metrics::RelayMetrics;

/// The stores, the metrics and the timing of a relay.
pub(super) struct RelayParts {
    pub(super) database: DatabaseConfig,
    pub(super) redis: Redis,
    pub(super) keys: RedisKeys,
    /// Signs what the log is.
    pub(super) signing: LogKeys,
    pub(super) metrics: RelayMetrics,
    pub(super) timing: RelayTiming,
}
