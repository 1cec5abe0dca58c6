//! Every metric: its name, its help, and the methods that record it.
//!
//! What a request touches is counted in the [`Tally`] of its own worker, so that no two threads ever write
//! the same cache line; the sums are taken when somebody asks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::verdict::{Identity, Refusal, Verdict};

/// The counts of one worker.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Tally {
    known: AtomicU64,
    nobody: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    hits: AtomicU64,
    misses: AtomicU64,
    /// Decisions by how long they took, one more than there are bounds.
    times: [AtomicU64; BOUNDS.len() + 1],
    /// Nanoseconds of all of them together.
    spent: AtomicU64,
}

/// The bounds of how long decisions take, in nanoseconds. A remembered token takes about one microsecond, a signature
/// thirty; what takes a millisecond is a machine in trouble.
const BOUNDS: [u64; 12] =
    [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 10_000_000];

/// What can be wrong with the revocation log, or the role map beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anomaly {
    /// No connection to Redis.
    Unreachable,
    /// Redis is a replica: it may be behind.
    NotMaster,
    /// No `meta`: the relay has not filled the log yet.
    NoEpoch,
    /// The log is of an epoch before ours: Redis went back in time.
    LowerEpoch,
    /// The log ends before our position.
    Regressed,
    /// Records that should be in the log are not.
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
    /// Connections taken on the decision listeners.
    pub accepted: Counter,
    /// Connections closed at once because there were too many.
    pub turned_away: Counter,
    /// Connections open now on the decision listeners.
    pub open: Gauge,
    /// Records applied from the log, those read again included.
    pub read: Counter,
    /// Records applied from wake messages.
    pub woken: Counter,
    /// Records held.
    pub held: Gauge,
    /// Bytes they take.
    pub held_bytes: Gauge,
    /// Epoch of the position.
    pub epoch: Gauge,
    /// Sequence number of the position.
    pub sequence: Gauge,
    /// Version of the role map; 0 while none is known.
    pub role_map_version: Gauge,
    /// Roles in it.
    pub role_map_roles: Gauge,
    /// When the key set was last fetched.
    pub keys_fetched: Gauge,
    /// Fetches of the key set that failed.
    pub keys_failed: Counter,
}

struct Decisions(Vec<Arc<Tally>>);

impl Tally {
    /// Counts a verdict.
    pub fn decided(&self, verdict: &Verdict) {
        match verdict {
            Verdict::Allow(Identity::Known(_)) => add(&self.known),
            Verdict::Allow(Identity::Nobody) => add(&self.nobody),
            Verdict::Deny(refusal) => {
                if let Some(count) = self.refused.get(*refusal as usize) {
                    add(count);
                }
            }
        }
    }

    /// A decision took so long.
    pub fn took(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| nanoseconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.times.get(bucket) {
            add(count);
        }
        increase(&self.spent, nanoseconds);
    }

    /// A token was remembered.
    pub fn hit(&self) {
        add(&self.hits);
    }

    /// A token had to be verified.
    pub fn miss(&self) {
        add(&self.misses);
    }
}

impl Anomaly {
    /// Every kind.
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

    /// The word of metrics and log lines.
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
    /// The metrics of a process with so many workers.
    pub fn new(workers: usize) -> Self {
        let tallies: Vec<_> = (0..workers).map(|_| Arc::new(Tally::default())).collect();
        let mut registry = Registry::with_prefix("introspect");
        registry.register_collector(Box::new(Decisions(tallies.clone())));
        let r = &mut registry;
        Self {
            anomalies: anomalies(r),
            accepted: counter(r, "connections_accepted", "Connections taken on the decision listeners"),
            turned_away: counter(r, "connections_turned_away", "Connections closed for being too many"),
            open: gauge(r, "connections_open", "Connections open on the decision listeners"),
            read: counter(r, "revocations_read", "Revocation records applied from the log"),
            woken: counter(r, "revocations_woken", "Revocation records applied from wake messages"),
            held: gauge(r, "revocations_held", "Revocation records held"),
            held_bytes: bytes(r, "revocations_held", "Memory of the revocation records held"),
            epoch: gauge(r, "feed_epoch", "Epoch of the position in the revocation log"),
            sequence: gauge(r, "feed_sequence", "Sequence number of the position in the revocation log"),
            role_map_version: gauge(r, "role_map_version", "Version of the role map, 0 while none is known"),
            role_map_roles: gauge(r, "role_map_roles", "Roles in the role map"),
            keys_fetched: seconds(r, "keys_fetched_timestamp", "When the key set was last fetched"),
            keys_failed: counter(r, "keys_fetches_failed", "Fetches of the key set that failed"),
            tallies,
            registry,
        }
    }

    /// The counts of one worker each.
    pub fn tallies(&self) -> &[Arc<Tally>] {
        &self.tallies
    }

    /// Counts something wrong with the log.
    pub fn anomaly(&self, anomaly: Anomaly) {
        self.anomalies.get_or_create(&[("kind", anomaly.label())]).inc();
    }

    /// All of them, in the `OpenMetrics` text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _written = encode(&mut text, &self.registry);
        text
    }
}

impl Decisions {
    fn sum(&self, count: impl Fn(&Tally) -> Option<&AtomicU64>) -> ConstCounter<u64> {
        let counts = self.0.iter().filter_map(|tally| count(tally));
        ConstCounter::new(counts.map(|count| count.load(Ordering::Relaxed)).sum())
    }
}

impl Decisions {
    fn total(&self, count: impl Fn(&Tally) -> Option<&AtomicU64>) -> u64 {
        self.0.iter().filter_map(|tally| count(tally)).map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn encode_times(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "How long decisions take, from the question's head to the verdict";
        let unit = Unit::Seconds;
        let mut times = encoder.encode_descriptor("decision", help, Some(&unit), MetricType::Histogram)?;
        let bounds = BOUNDS.iter().map(|bound| seconds_of(*bound)).chain([f64::INFINITY]);
        let counts = (0..=BOUNDS.len()).map(|bucket| self.total(|tally| tally.times.get(bucket)));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let spent = seconds_of(self.total(|tally| Some(&tally.spent)));
        times.encode_histogram::<NoLabelSet>(spent, count, &buckets, None)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of nanoseconds is exact for three months, and then near enough"
)]
fn seconds_of(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

impl fmt::Debug for Decisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decisions")
    }
}

impl Collector for Decisions {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Decisions by outcome and reason";
        let mut decisions = encoder.encode_descriptor("decisions", help, None, MetricType::Counter)?;
        let known = [("outcome", "allowed"), ("reason", "known")];
        self.sum(|tally| Some(&tally.known)).encode(decisions.encode_family(&known)?)?;
        let nobody = [("outcome", "allowed"), ("reason", "anonymous")];
        self.sum(|tally| Some(&tally.nobody)).encode(decisions.encode_family(&nobody)?)?;
        for &refusal in Refusal::ALL {
            let labels = [("outcome", "denied"), ("reason", refusal.label())];
            let count = self.sum(|tally| tally.refused.get(refusal as usize));
            count.encode(decisions.encode_family(&labels)?)?;
        }
        let help = "Tokens that were remembered (hit) or had to be verified (miss)";
        let mut tokens = encoder.encode_descriptor("tokens", help, None, MetricType::Counter)?;
        self.sum(|tally| Some(&tally.hits)).encode(tokens.encode_family(&[("cache", "hit")])?)?;
        self.sum(|tally| Some(&tally.misses)).encode(tokens.encode_family(&[("cache", "miss")])?)?;
        self.encode_times(&mut encoder)
    }
}

/// A worker is the only writer of its counts, so that load and store make an increment without the cost
/// of a locked one.
fn add(count: &AtomicU64) {
    increase(count, 1);
}

fn increase(count: &AtomicU64, by: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
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

/// Every kind is there from the start, at zero: an alert on an increase must not miss the first.
fn anomalies(registry: &mut Registry) -> Family<[(&'static str, &'static str); 1], Counter> {
    let family = Family::default();
    for anomaly in Anomaly::ALL {
        drop(family.get_or_create(&[("kind", anomaly.label())]));
    }
    registry.register(
        "feed_anomalies",
        "What was wrong with the revocation log or the role map, by kind",
        family.clone(),
    );
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_a_label_and_workers_are_summed() {
        let metrics = Metrics::new(2);
        for tally in metrics.tallies() {
            for &refusal in Refusal::ALL {
                tally.decided(&Verdict::Deny(refusal));
            }
            tally.decided(&Verdict::Allow(Identity::Nobody));
        }
        let text = metrics.text();
        for refusal in Refusal::ALL {
            let line =
                format!("introspect_decisions_total{{outcome=\"denied\",reason=\"{}\"}} 2", refusal.label());
            assert!(text.contains(&line), "{line} is not in {text}");
        }
        assert!(text.contains("{outcome=\"allowed\",reason=\"anonymous\"} 2"));
    }

    #[test]
    fn decisions_are_counted_by_how_long_they_took() {
        let metrics = Metrics::new(2);
        for (tally, nanoseconds) in metrics.tallies().iter().cycle().zip([500, 501, 30_000, 2_000_000_000]) {
            tally.took(Duration::from_nanos(nanoseconds));
        }
        let text = metrics.text();
        for line in [
            "introspect_decision_seconds_bucket{le=\"5e-7\"} 1",
            "introspect_decision_seconds_bucket{le=\"0.000001\"} 2",
            "introspect_decision_seconds_bucket{le=\"0.00005\"} 3",
            "introspect_decision_seconds_bucket{le=\"+Inf\"} 4",
            "introspect_decision_seconds_count 4",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }

    #[test]
    fn every_anomaly_is_counted_from_zero() {
        let text = Metrics::new(1).text();
        for anomaly in Anomaly::ALL {
            let line = format!("introspect_feed_anomalies_total{{kind=\"{}\"}} 0", anomaly.label());
            assert!(text.contains(&line), "{line} is not in {text}");
        }
    }
}
