//! What is counted about mail.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::labels::MailFailure;

/// The counters of mail. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct MailMetrics {
    /// Mails that the server accepted, by kind.
    pub(super) sent: Family<MailKindLabels, Counter>,
    /// Attempts that failed, and mails that were given up, by reason.
    pub(super) failed: Family<MailFailureLabels, Counter>,
    /// Mails that wait.
    pub(super) waiting: Gauge,
    /// The age of the oldest mail that could have been sent, in seconds.
    pub(super) oldest_seconds: Gauge<f64, AtomicU64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct MailKindLabels {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct MailFailureLabels {
    reason: MailFailure,
}

impl MailMetrics {
    /// All at zero, with every reason: an alert on an increase must not miss the first event.
    pub fn new() -> Self {
        let metrics = Self::default();
        for reason in MailFailure::ALL {
            drop(metrics.failed.get_or_create(&MailFailureLabels { reason: *reason }));
        }
        metrics
    }

    /// Sets the number of mails of this kind to zero, so that it can be seen before the first one.
    pub fn begin(&self, kind: &'static str) {
        drop(self.sent.get_or_create(&MailKindLabels { kind }));
    }

    /// Counts a mail that the server accepted.
    pub fn count_sent(&self, kind: &'static str) {
        self.sent.get_or_create(&MailKindLabels { kind }).inc();
    }

    /// Counts a failure.
    pub fn count_failure(&self, reason: MailFailure) {
        self.failed.get_or_create(&MailFailureLabels { reason }).inc();
    }
}
