//! Every metric: its name, its help, and the handle that records it.

mod tally;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};
use tally::DecisionCollector;

use crate::freshness::{Age, SidecarState};
use crate::knowledge::Knowledge;

pub use tally::Tally;

type Anomalies = Family<[(&'static str, &'static str); 1], Counter>;
type States = Family<[(&'static str, &'static str); 1], Gauge>;
type FloatGauge = Gauge<f64, AtomicU64>;
type FloatCounter = Counter<f64, AtomicU64>;

/// Declares the faults once: the variants and their labels.
macro_rules! anomalies {
    ($($(#[$doc:meta])* $name:ident = $label:literal;)*) => {
        /// The faults of the revocation log and of the role map beside it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Anomaly {
            $($(#[$doc])* $name,)*
        }

        impl Anomaly {
            /// Every kind of fault.
            const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in metrics and log lines.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)*
                }
            }
        }
    };
}

anomalies! {
    /// No connection to Redis.
    Unreachable = "unreachable";
    /// Redis is a replica: it may be behind.
    NotMaster = "not_master";
    /// No `meta`: the relay has not filled the log yet.
    NoEpoch = "no_epoch";
    /// The log has another history under the same epoch.
    Fork = "fork";
    /// The clocks of Redis and of this machine are too far apart.
    Clock = "clock";
    /// The log has an earlier epoch than ours: Redis was reset to an earlier state.
    LowerEpoch = "lower_epoch";
    /// The log ends before our position.
    Regressed = "regressed";
    /// Records that should be in the log are missing.
    Gap = "gap";
    /// The log, its certificate or its records are not those that admin signed.
    NotAuthentic = "not_authentic";
    /// A record that this version does not understand.
    Undecodable = "undecodable";
    /// The role map is missing, not understood, or not the one that `meta` names.
    RoleMap = "role_map";
}

/// Declares the metrics once: the field, its kind, its name and its help.
macro_rules! metrics {
    ($($field:ident: $kind:ty = $create:ident($name:literal, $help:literal);)*) => {
        /// The metrics of the process, and handles to those that are recorded outside a request.
        pub struct Metrics {
            /// All metrics, to be written as text.
            pub registry: Registry,
            /// The counts of each worker.
            pub tallies: Vec<Arc<Tally>>,
            $(#[doc = $help] pub $field: $kind,)*
        }

        impl Metrics {
            /// The metrics of a process with this many workers.
            pub fn new(workers: usize) -> Self {
                let tallies: Vec<_> = (0..workers).map(|_| Arc::new(Tally::default())).collect();
                let mut registry = runtime::metrics::registry();
                let ours = registry.sub_registry_with_prefix("usher_introspect");
                runtime::metrics::register_build_info(ours, env!("CARGO_PKG_VERSION"));
                ours.register_collector(Box::new(DecisionCollector(tallies.clone())));
                Self { $($field: $create(ours, $name, $help),)* tallies, registry }
            }
        }
    };
}

metrics! {
    anomalies: Anomalies = anomalies("feed_anomalies", "Faults of the revocation log or the role map, by kind");
    accepted: Counter = counter("connections_accepted", "Connections accepted on the decision listeners");
    rejected: Counter =
        counter("connections_rejected", "Connections closed at once because too many were open");
    open: Gauge = gauge("connections_open", "Connections open on the decision listeners");
    connection_requests: Histogram = requests(
        "connection_requests",
        "Requests answered on one connection of the decision listeners, recorded when it ends"
    );
    read: Counter = counter("revocations_read", "Revocation records applied from the log");
    pushed: Counter = counter("revocations_pushed", "Revocation records applied from published messages");
    held: Gauge = gauge("revocations_held", "Revocation records held");
    held_bytes: Gauge = bytes("revocations_held", "Memory of the revocation records held");
    epoch: Gauge = gauge("feed_epoch", "Epoch of the position in the revocation log");
    sequence: Gauge = gauge("feed_sequence", "Sequence number of the position in the revocation log");
    log_read: Gauge =
        seconds("feed_read_timestamp", "Time of the last complete read of the revocation log, since the Unix epoch");
    state: States = states("state", "1 for the state of the sidecar, 0 for every other");
    age: FloatGauge = float_seconds(
        "revocations_age",
        "Everything that was revoked longer ago than this is refused, as of this scrape; NaN without a certificate"
    );
    late: FloatCounter = seconds_counter(
        "revocations_late",
        "Time in which the age of the revocations was above half of its bound of 2 seconds"
    );
    role_map_version: Gauge = gauge("role_map_version", "Version of the role map, 0 until one is known");
    role_map_roles: Gauge = gauge("role_map_roles", "Roles in the role map");
    keys_fetched: Gauge = seconds("jwks_fetched_timestamp", "Time of the last fetch of the key set, since the Unix epoch");
    keys_failed: Counter = counter("jwks_fetch_failures", "Failed fetches of the key set");
    keys_refused: Counter =
        counter("jwks_keys_refused", "Keys in a new key set that are not used, because they are invalid");
    log_lines_dropped: Counter = counter("log_lines_dropped", "Log lines dropped because the queue was full");
}

impl Metrics {
    /// Counts a fault of the log.
    pub fn anomaly(&self, anomaly: Anomaly) {
        self.anomalies.get_or_create(&[("kind", anomaly.label())]).inc();
    }

    /// Sets the metrics of freshness to their values now. Called for each scrape, because they change while
    /// nothing happens.
    pub fn observe_freshness(&self, known: &Knowledge) {
        let current = known.state();
        for state in SidecarState::ALL {
            self.state.get_or_create(&[("state", state.label())]).set(i64::from(state == current));
        }
        self.age.set(match known.freshness.certificate().monotonic_age() {
            Age::AtMost(age) => age.as_secs_f64(),
            Age::Unknown | Age::Uncertified => f64::NAN,
        });
        let late = known.freshness.late().as_secs_f64();
        // Of two scrapes at once the later one must not lower the counter.
        self.late.inc_by((late - self.late.get()).max(0.0));
    }
}

fn register<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    register(registry, name, help, Counter::default())
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    register(registry, name, help, Gauge::default())
}

fn with_unit(registry: &mut Registry, name: &str, help: &str, unit: Unit) -> Gauge {
    let gauge = Gauge::default();
    registry.register_with_unit(name, help, unit, gauge.clone());
    gauge
}

fn float_seconds(registry: &mut Registry, name: &str, help: &str) -> FloatGauge {
    let gauge = FloatGauge::default();
    registry.register_with_unit(name, help, Unit::Seconds, gauge.clone());
    gauge
}

fn seconds_counter(registry: &mut Registry, name: &str, help: &str) -> FloatCounter {
    let counter = FloatCounter::default();
    registry.register_with_unit(name, help, Unit::Seconds, counter.clone());
    counter
}

fn states(registry: &mut Registry, name: &str, help: &str) -> States {
    register(registry, name, help, States::default())
}

fn bytes(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    with_unit(registry, name, help, Unit::Bytes)
}

fn seconds(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    with_unit(registry, name, help, Unit::Seconds)
}

/// nginx closes a connection after a thousand requests by default, and with the shipped configuration after a million.
fn requests(registry: &mut Registry, name: &str, help: &str) -> Histogram {
    let bounds = [0.0, 1.0, 2.0, 5.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];
    register(registry, name, help, Histogram::new(bounds))
}

/// Every kind is present from the start, at zero: an alert on an increase must not miss the first fault.
fn anomalies(registry: &mut Registry, name: &str, help: &str) -> Anomalies {
    let family = Anomalies::default();
    for anomaly in Anomaly::ALL {
        drop(family.get_or_create(&[("kind", anomaly.label())]));
    }
    register(registry, name, help, family)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use runtime::metrics::MetricsFormat;

    use super::*;
    use crate::refusal::Refusal;
    use crate::verdict::Verdict;

    #[test]
    fn every_anomaly_is_counted_from_zero() {
        let text = MetricsFormat::Prometheus.encode(&Metrics::new(1).registry).unwrap();
        for anomaly in Anomaly::ALL {
            let line = format!("usher_introspect_feed_anomalies_total{{kind=\"{}\"}} 0", anomaly.label());
            assert!(text.contains(&line), "{line} is not in {text}");
        }
    }

    #[test]
    fn every_refusal_is_a_label_and_workers_are_summed() {
        let metrics = Metrics::new(2);
        for tally in &metrics.tallies {
            for &refusal in Refusal::ALL {
                tally.decided(&Verdict::deny(refusal));
            }
            tally.decided(&Verdict::Allow { whose: None });
        }
        let text = MetricsFormat::Prometheus.encode(&metrics.registry).unwrap();
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
        for (tally, nanoseconds) in metrics.tallies.iter().cycle().zip([500, 501, 30_000, 2_000_000_000]) {
            tally.took(Duration::from_nanos(nanoseconds));
        }
        let text = MetricsFormat::Prometheus.encode(&metrics.registry).unwrap();
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
