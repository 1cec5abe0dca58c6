//! What is counted about purges of old data.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

/// The counters of purges.
#[derive(Debug, Clone, Default)]
pub struct PurgeMetrics {
    /// Rows that were deleted or shortened.
    pub(super) rows: Family<PurgeLabels, Counter>,
    /// Runs that failed.
    pub(super) failures: Family<PurgeLabels, Counter>,
    /// When a purge was last complete, on whichever admin, in seconds since 1970.
    pub(super) finished: Family<PurgeLabels, Gauge<f64, AtomicU64>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PurgeLabels {
    purge: &'static str,
}

impl PurgeMetrics {
    /// Shows the purges before the first run: an alert on an increase must not miss the first event.
    pub fn begin(&self, purges: impl Iterator<Item = &'static str>) {
        for purge in purges {
            drop(self.rows.get_or_create(&PurgeLabels { purge }));
            drop(self.failures.get_or_create(&PurgeLabels { purge }));
        }
    }

    /// Counts rows.
    pub fn changed(&self, purge: &'static str, rows: u64) {
        self.rows.get_or_create(&PurgeLabels { purge }).inc_by(rows);
    }

    /// Counts a run that failed.
    pub fn failed(&self, purge: &'static str) {
        self.failures.get_or_create(&PurgeLabels { purge }).inc();
    }

    /// Sets when a purge was last complete.
    pub fn finished(&self, purge: &'static str, at: Timestamp) {
        self.finished.get_or_create(&PurgeLabels { purge }).set(at.as_duration().as_secs_f64());
    }
}
