//! What a queue counts. The names are in `metrics`.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use super::queue::Lane;

/// The counters of one queue. Cheap to clone.
#[derive(Debug, Clone)]
pub struct QueueMetrics {
    /// How long jobs waited, by lane.
    pub wait_seconds: Family<LaneLabels, Histogram, fn() -> Histogram>,
    /// How many tickets were refused or evicted, by lane.
    pub refused: Family<LaneLabels, Counter>,
}

/// A lane as a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LaneLabels {
    lane: Lane,
}

/// Seconds; a hash takes 10 to 30 ms.
const WAIT_BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 2.5];

impl Default for QueueMetrics {
    /// With every lane: an alert on an increase must not miss the first event.
    fn default() -> Self {
        let metrics = Self {
            wait_seconds: Family::new_with_constructor(|| Histogram::new(WAIT_BUCKETS)),
            refused: Family::default(),
        };
        for lane in Lane::ALL {
            drop(metrics.refused.get_or_create(&lane.into()));
            drop(metrics.wait_seconds.get_or_create(&lane.into()));
        }
        metrics
    }
}

impl QueueMetrics {
    pub(super) fn waited(&self, lane: Lane, waited: Duration) {
        self.wait_seconds.get_or_create(&lane.into()).observe(waited.as_secs_f64());
    }

    pub(super) fn refused(&self, lane: Lane) {
        self.refused.get_or_create(&lane.into()).inc();
    }
}

impl From<Lane> for LaneLabels {
    fn from(lane: Lane) -> Self {
        Self { lane }
    }
}

impl EncodeLabelValue for Lane {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.label().encode(encoder)
    }
}
