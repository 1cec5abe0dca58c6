//! What is counted. One declaration a metric; each has a method that says when.

mod months;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::db::PoolStatus;

pub use months::MonthsAhead;

/// Every metric of the service.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    refreshes: Family<CauseLabels, Counter>,
    sign_ins: Family<OutcomeLabels, Counter>,
    provider_answers: Family<ProviderLabels, Counter>,
    connections: Family<StateLabels, Gauge>,
    hash_places: Family<StateLabels, Gauge>,
    /// Which key sets, epochs and records the relay moves.
    pub relay: RelayMetrics,
    /// Months of the sign-in history, from this one on, that have a partition.
    pub partitions_ahead: MonthsAhead,
    /// Entries of the sign-in history that could not be written.
    pub history_failures: Counter,
    /// Assignments of roles that ended because their moment came.
    pub assignments_ended: Counter,
    relay_lag: Gauge<f64, AtomicU64>,
    lines_lost: Counter,
}

/// What is looked at when somebody asks for the metrics.
#[derive(Debug, Clone, Copy)]
pub struct Observed {
    /// The pool of connections.
    pub pool: PoolStatus,
    /// Places for password hashes: taken, and in all.
    pub hash_places: (usize, usize),
    /// Seconds that the oldest unpublished revocation has waited; none where PostgreSQL does not say.
    pub relay_lag: Option<f64>,
    /// Log lines that were not written.
    pub lines_lost: u64,
}

/// What the relay does.
#[derive(Debug, Clone, Default)]
pub struct RelayMetrics {
    /// 1 while this process is the one that relays.
    pub leading: Gauge,
    /// The epoch it took last.
    pub epoch: Gauge<u64, AtomicU64>,
    /// Epochs taken.
    pub epochs: Counter,
    /// The version of the role map that it published last.
    pub role_map_version: Gauge<u64, AtomicU64>,
    /// Revocations published, once each, however often an epoch was filled.
    pub published: Counter,
    /// From the statement that wrote a revocation to its publication.
    pub publish_seconds: PublishSeconds,
}

/// The histogram of publishing, with its buckets.
#[derive(Debug, Clone)]
pub struct PublishSeconds(Histogram);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabels {
    cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// Seconds; from a lookup in memory to a hash that waited its turn.
const REQUEST_BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];

/// Seconds; the promise is a millisecond or two.
const PUBLISH_BUCKETS: [f64; 9] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0];

impl Default for PublishSeconds {
    fn default() -> Self {
        Self(Histogram::new(PUBLISH_BUCKETS))
    }
}

impl PublishSeconds {
    /// One record took this long.
    pub fn observe(&self, seconds: f64) {
        self.0.observe(seconds);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// What a method is called in labels and spans. Unknown ones share a word: a client must not be able to make names.
pub fn word_of(method: &Method) -> &str {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    if known.contains(method) { method.as_str() } else { "_OTHER" }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("usher_admin"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_BUCKETS)),
            refreshes: Family::default(),
            sign_ins: Family::default(),
            provider_answers: Family::default(),
            connections: Family::default(),
            hash_places: Family::default(),
            relay: RelayMetrics::default(),
            partitions_ahead: MonthsAhead::default(),
            history_failures: Counter::default(),
            assignments_ended: Counter::default(),
            relay_lag: Gauge::default(),
            lines_lost: Counter::default(),
        };
        metrics.register();
        // There from the start: an alert on an increase must not miss the first.
        drop(metrics.refreshes.get_or_create(&CauseLabels { cause: "reused" }));
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("requests", "Requests answered, by method, route and status", self.requests.clone());
        r.register("request_seconds", "Time to answer a request, by route", self.request_seconds.clone());
        r.register("refreshes", "Refreshes by cause; reuse is one of them", self.refreshes.clone());
        r.register("sign_ins", "Sign-ins by outcome", self.sign_ins.clone());
        let answers = "People who came back from an identity provider, by provider and outcome";
        r.register("provider_answers", answers, self.provider_answers.clone());
        let connections = "Connections to PostgreSQL that are lent, could be lent, and are waited for";
        r.register("database_connections", connections, self.connections.clone());
        let places = "Places for password hashes that are taken, and that there are";
        r.register("hash_places", places, self.hash_places.clone());
        let ahead = "Months of the sign-in history, from this one on, that have a partition";
        r.register("partitions_ahead", ahead, self.partitions_ahead.clone());
        let failures = "Entries of the sign-in history that could not be written";
        r.register("history_failures", failures, self.history_failures.clone());
        let ended = "Assignments of roles that ended because their moment came";
        r.register("assignments_ended", ended, self.assignments_ended.clone());
        let lost = "Log lines not written because too many waited";
        r.register("log_lines_lost", lost, self.lines_lost.clone());
        let lag = "How long the oldest revocation has waited that is not published; NaN without PostgreSQL";
        r.register("relay_lag_seconds", lag, self.relay_lag.clone());
        let relay = self.relay.clone();
        r.register("relay_leading", "1 while this process relays revocations to Redis", relay.leading);
        r.register("relay_epoch", "The epoch of the revocation log that this process took last", relay.epoch);
        let version = "Version of the role map that this process published last";
        r.register("role_map_version", version, relay.role_map_version);
        r.register(
            "relay_epochs",
            "Epochs taken; more than a few a day means an unsteady Redis",
            relay.epochs,
        );
        r.register(
            "relay_published",
            "Revocations published, not counting the filling of epochs",
            relay.published,
        );
        let seconds = "From writing a revocation to its publication";
        r.register("relay_publish_seconds", seconds, relay.publish_seconds.0);
    }

    /// A request was answered.
    pub fn request(&self, method: &Method, route: &'static str, status: u16, took: Duration) {
        let method = word_of(method).to_owned();
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
        self.request_seconds.get_or_create(&RouteLabels { route }).observe(took.as_secs_f64());
    }

    /// A refresh was decided.
    pub fn refresh(&self, cause: &'static str) {
        self.refreshes.get_or_create(&CauseLabels { cause }).inc();
    }

    /// A sign-in was decided.
    pub fn sign_in(&self, outcome: &'static str) {
        self.sign_ins.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// Somebody came back from a provider, which must be one of the configured ones, and this became of it.
    pub fn provider_answer(&self, provider: &str, outcome: &'static str) {
        let provider = provider.to_owned();
        self.provider_answers.get_or_create(&ProviderLabels { provider, outcome }).inc();
    }

    /// Notes what was looked at because somebody asks.
    pub fn observe(&self, Observed { pool, hash_places: (taken, places), relay_lag, lines_lost }: Observed) {
        let set = |family: &Family<StateLabels, Gauge>, state, count: usize| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            family.get_or_create(&StateLabels { state }).set(count);
        };
        set(&self.connections, "lent", pool.lent);
        set(&self.connections, "most", pool.most);
        set(&self.connections, "waited_for", pool.waiting);
        set(&self.hash_places, "taken", taken);
        set(&self.hash_places, "most", places);
        self.relay_lag.set(relay_lag.unwrap_or(f64::NAN));
        self.lines_lost.inner().store(lines_lost, Ordering::Relaxed);
    }

    /// All of them in the text format of `OpenMetrics`.
    ///
    /// # Errors
    ///
    /// Never, writing to a string.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}
