//! Every metric: its name, its help, and the methods that record it.

mod tally;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use runtime::metrics::MetricsFormat;
use tally::DecisionCollector;

pub use tally::Tally;

/// The faults of the revocation log and of the role map beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anomaly {
    /// No connection to Redis.
    Unreachable,
    /// Redis is a replica: it may be behind.
    NotMaster,
    /// No `meta`: the relay has not filled the log yet.
    NoEpoch,
    /// The log has an earlier epoch than ours: Redis was reset to an earlier state.
    LowerEpoch,
    /// The log ends before our position.
    Regressed,
    /// Records that should be in the log are missing.
    Gap,
    /// A record that this version does not understand.
    Undecodable,
    /// The role map is missing, not understood, or not the one that `meta` names.
    RoleMap,
}

/// The metrics of the process, and handles to those that are recorded outside a request.
pub struct Metrics {
    registry: Registry,
    tallies: Vec<Arc<Tally>>,
    anomalies: Family<[(&'static str, &'static str); 1], Counter>,
    /// Connections accepted on the decision listeners.
    pub accepted: Counter,
    /// Connections closed at once because there were too many.
    pub rejected: Counter,
    /// Connections open now on the decision listeners.
    pub open: Gauge,
    /// The number of requests on each connection, recorded when it ends.
    pub connection_requests: Histogram,
    /// Records applied from the log, including those that were read again.
    pub read: Counter,
    /// Records applied from wake messages.
    pub pushed: Counter,
    /// Records in memory.
    pub held: Gauge,
    /// The memory of those records, in bytes.
    pub held_bytes: Gauge,
    /// Epoch of the position.
    pub epoch: Gauge,
    /// Sequence number of the position.
    pub sequence: Gauge,
    /// When the log was last read to its end.
    pub log_read: Gauge,
    /// Version of the role map; 0 while none is known.
    pub role_map_version: Gauge,
    /// Roles in it.
    pub role_map_roles: Gauge,
    /// When the key set was last fetched.
    pub keys_fetched: Gauge,
    /// Fetches of the key set that failed.
    pub keys_failed: Counter,
    log_lines_dropped: Counter,
}

impl Anomaly {
    /// Every kind of fault.
    const ALL: [Self; 8] = [
        Self::Unreachable,
        Self::NotMaster,
        Self::NoEpoch,
        Self::LowerEpoch,
        Self::Regressed,
        Self::Gap,
        Self::Undecodable,
        Self::RoleMap,
    ];

    /// The name in metrics and log lines.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::NotMaster => "not_master",
            Self::NoEpoch => "no_epoch",
            Self::LowerEpoch => "lower_epoch",
            Self::Regressed => "regressed",
            Self::Gap => "gap",
            Self::Undecodable => "undecodable",
            Self::RoleMap => "role_map",
        }
    }
}

impl Metrics {
    /// The metrics of a process with this many workers.
    pub fn new(workers: usize) -> Self {
        let tallies: Vec<_> = (0..workers).map(|_| Arc::new(Tally::default())).collect();
        let mut registry = runtime::metrics::registry();
        let r = registry.sub_registry_with_prefix("usher_introspect");
        runtime::metrics::register_build_info(r, env!("CARGO_PKG_VERSION"));
        r.register_collector(Box::new(DecisionCollector(tallies.clone())));
        Self {
            anomalies: anomalies(r),
            accepted: counter(r, "connections_accepted", "Connections accepted on the decision listeners"),
            rejected: counter(
                r,
                "connections_rejected",
                "Connections closed at once because too many were open",
            ),
            open: gauge(r, "connections_open", "Connections open on the decision listeners"),
            connection_requests: requests(r),
            read: counter(r, "revocations_read", "Revocation records applied from the log"),
            pushed: counter(r, "revocations_pushed", "Revocation records applied from published messages"),
            held: gauge(r, "revocations_held", "Revocation records held"),
            held_bytes: bytes(r, "revocations_held", "Memory of the revocation records held"),
            epoch: gauge(r, "feed_epoch", "Epoch of the position in the revocation log"),
            sequence: gauge(r, "feed_sequence", "Sequence number of the position in the revocation log"),
            log_read: seconds(
                r,
                "feed_read_timestamp",
                "Last complete read of the revocation log, since the Unix epoch",
            ),
            role_map_version: gauge(r, "role_map_version", "Version of the role map, 0 until one is known"),
            role_map_roles: gauge(r, "role_map_roles", "Roles in the role map"),
            keys_fetched: seconds(
                r,
                "jwks_fetched_timestamp",
                "Last fetch of the key set, since the Unix epoch",
            ),
            keys_failed: counter(r, "jwks_fetch_failures", "Failed fetches of the key set"),
            log_lines_dropped: counter(
                r,
                "log_lines_dropped",
                "Log lines dropped because the queue was full",
            ),
            tallies,
            registry,
        }
    }

    /// The counts of each worker.
    pub fn tallies(&self) -> &[Arc<Tally>] {
        &self.tallies
    }

    /// Counts a fault of the log.
    pub fn anomaly(&self, anomaly: Anomaly) {
        self.anomalies.get_or_create(&[("kind", anomaly.label())]).inc();
    }

    /// Sets the values that are read when metrics are requested.
    pub fn observe(&self, dropped_lines: u64) {
        self.log_lines_dropped.inner().store(dropped_lines, Ordering::Relaxed);
    }

    /// All metrics, to be written as text.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All metrics as text, for tests.
    ///
    /// # Errors
    ///
    /// If a metric cannot be written.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        MetricsFormat::Prometheus.encode(&self.registry)
    }
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn bytes(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register_with_unit(name, help, Unit::Bytes, gauge.clone());
    gauge
}

fn seconds(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
    gauge
}

/// nginx closes a connection after a thousand requests by default, and with the shipped configuration after a million.
fn requests(registry: &mut Registry) -> Histogram {
    let histogram = Histogram::new([0.0, 1.0, 2.0, 5.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]);
    let help = "Requests answered on one connection of the decision listeners, recorded when it ends";
    registry.register("connection_requests", help, histogram.clone());
    histogram
}

/// Every kind is present from the start, at zero: an alert on an increase must not miss the first fault.
fn anomalies(registry: &mut Registry) -> Family<[(&'static str, &'static str); 1], Counter> {
    let family = Family::default();
    for anomaly in Anomaly::ALL {
        drop(family.get_or_create(&[("kind", anomaly.label())]));
    }
    registry.register(
        "feed_anomalies",
        "Faults of the revocation log or the role map, by kind",
        family.clone(),
    );
    family
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::refusal::Refusal;
    use crate::verdict::{Requester, Verdict};

    #[test]
    fn every_anomaly_is_counted_from_zero() {
        let text = Metrics::new(1).text().unwrap();
        for anomaly in Anomaly::ALL {
            let line = format!("usher_introspect_feed_anomalies_total{{kind=\"{}\"}} 0", anomaly.label());
            assert!(text.contains(&line), "{line} is not in {text}");
        }
    }

    #[test]
    fn every_refusal_is_a_label_and_workers_are_summed() {
        let metrics = Metrics::new(2);
        for tally in metrics.tallies() {
            for &refusal in Refusal::ALL {
                tally.decided(&Verdict::deny(refusal));
            }
            tally.decided(&Verdict::Allow(Requester::Anonymous));
        }
        let text = metrics.text().unwrap();
        for refusal in Refusal::ALL {
            let (code, reason) = (refusal.code().as_str(), refusal.reason());
            let line = format!("usher_introspect_decisions_total{{code=\"{code}\",reason=\"{reason}\"}} 2");
            assert!(text.contains(&line), "{line} is not in {text}");
        }
        assert!(text.contains("{code=\"allow\",reason=\"anonymous\"} 2"));
    }

    #[test]
    fn decisions_are_counted_by_how_long_they_took() {
        let metrics = Metrics::new(2);
        for (tally, nanoseconds) in metrics.tallies().iter().cycle().zip([500, 501, 30_000, 2_000_000_000]) {
            tally.took(Duration::from_nanos(nanoseconds));
        }
        let text = metrics.text().unwrap();
        for line in [
            "usher_introspect_decision_duration_seconds_bucket{le=\"5e-7\"} 1",
            "usher_introspect_decision_duration_seconds_bucket{le=\"0.000001\"} 2",
            "usher_introspect_decision_duration_seconds_bucket{le=\"0.00005\"} 3",
            "usher_introspect_decision_duration_seconds_bucket{le=\"+Inf\"} 4",
            "usher_introspect_decision_duration_seconds_count 4",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }
}
