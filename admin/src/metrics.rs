//! The metrics. One declaration for each; methods describe the event to count.

mod labels;
mod mail;
mod months;
mod purges;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use shared::clock::Clock;

use crate::db::PoolStatus;
use crate::passwords::{HasherMetrics, Lane, LaneLabels, QueueStatus};

pub use labels::{
    AttemptOutcome, CallbackOutcome, MailFailure, PoolState, RefreshCause, SignInOutcome, ThreadState,
};
pub use mail::MailMetrics;
pub use months::MonthsAhead;
pub use purges::PurgeMetrics;

/// All metrics of the service.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    refreshes: Family<CauseLabels, Counter>,
    sign_ins: Family<OutcomeLabels, Counter>,
    provider_callbacks: Family<ProviderLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    connections: Family<PoolLabels, Gauge>,
    database_silent: Gauge,
    /// Connections of clients that gave way to others.
    pub connections_closed: Counter,
    hash_threads: Family<ThreadLabels, Gauge>,
    hash_queue: Family<LaneLabels, Gauge>,
    judge_queue: Family<LaneLabels, Gauge>,
    /// The metrics of the relay.
    pub relay: RelayMetrics,
    /// The metrics of the limiter of attempts.
    pub limiter: LimiterMetrics,
    /// The metrics of mail.
    pub mail: MailMetrics,
    /// The metrics of purges.
    pub purges: PurgeMetrics,
    /// Consecutive months of the login history that have a partition, counting from the current month.
    pub partitions_ahead: MonthsAhead,
    /// The same of the audit log.
    pub audit_partitions_ahead: MonthsAhead,
    /// Login-history entries that could not be written.
    pub history_failures: Counter,
    /// Expired role assignments that were ended.
    pub assignments_ended: Counter,
    relay_lag: Gauge<f64, AtomicU64>,
    log_lines_dropped: Counter,
}

/// Values that are read when metrics are requested.
#[derive(Debug, Clone, Copy)]
pub struct Observed {
    /// The connection pool.
    pub pool: PoolStatus,
    /// The queue of password hashes, and that of new passwords to be judged.
    pub password_queues: (QueueStatus, QueueStatus),
    /// Seconds that the oldest unpublished revocation has waited; `None` when PostgreSQL is unavailable.
    pub relay_lag: Option<f64>,
    /// How many mails wait, and for how many seconds the oldest could have been sent; `None` when PostgreSQL is
    /// unavailable.
    pub outbox: Option<(u64, f64)>,
    /// Dropped log lines.
    pub log_lines_dropped: u64,
}

/// The state of the relay.
#[derive(Debug, Clone, Default)]
pub struct RelayMetrics {
    /// 1 while this process leads.
    pub leading: Gauge,
    /// 1 while this process tries to lead and cannot write to Redis.
    pub failing: Gauge,
    /// The last epoch taken.
    pub epoch: Gauge<u64, AtomicU64>,
    /// Epochs taken.
    pub epochs: Counter,
    /// The version of the last published role map.
    pub role_map_version: Gauge<u64, AtomicU64>,
    /// Published revocations; each is counted once, however often an epoch is filled.
    pub published: Counter,
    /// From the insertion of a revocation to its publication.
    pub publish_seconds: PublishSeconds,
}

/// The state of the limiter of attempts.
#[derive(Debug, Clone, Default)]
pub struct LimiterMetrics {
    /// 1 while attempts are counted in this process only.
    pub is_local: Gauge,
    /// Attempts that were counted in this process only.
    pub local_attempts: Counter,
}

/// The histogram of publication times, with its buckets.
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
    cause: RefreshCause,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    bucket: &'static str,
    outcome: AttemptOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: String,
    outcome: CallbackOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PoolLabels {
    state: PoolState,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ThreadLabels {
    state: ThreadState,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: SignInOutcome,
}

/// Seconds; from a lookup in memory to a password hash that waited in the queue.
const REQUEST_BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];

/// Seconds; the usual value is one or two milliseconds.
const PUBLISH_BUCKETS: [f64; 9] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0];

impl Default for PublishSeconds {
    fn default() -> Self {
        Self(Histogram::new(PUBLISH_BUCKETS))
    }
}

impl PublishSeconds {
    /// Records the time of one revocation.
    pub fn observe(&self, seconds: f64) {
        self.0.observe(seconds);
    }
}

/// The method in labels and spans. Unknown methods share one value: a client must not be able to create label
/// values.
pub fn word_of(method: &Method) -> &str {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    if known.contains(method) { method.as_str() } else { "_OTHER" }
}

impl Metrics {
    /// All metrics at zero.
    pub fn new(clock: Arc<dyn Clock>, hasher: &HasherMetrics) -> Self {
        let mut metrics = Self {
            registry: runtime::metrics::registry(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_BUCKETS)),
            refreshes: Family::default(),
            sign_ins: Family::default(),
            provider_callbacks: Family::default(),
            attempts: Family::default(),
            limiter: LimiterMetrics::default(),
            mail: MailMetrics::new(),
            purges: PurgeMetrics::default(),
            connections: Family::default(),
            database_silent: Gauge::default(),
            connections_closed: Counter::default(),
            hash_threads: Family::default(),
            hash_queue: Family::default(),
            judge_queue: Family::default(),
            relay: RelayMetrics::default(),
            partitions_ahead: MonthsAhead::new(Arc::clone(&clock)),
            audit_partitions_ahead: MonthsAhead::new(clock),
            history_failures: Counter::default(),
            assignments_ended: Counter::default(),
            relay_lag: Gauge::default(),
            log_lines_dropped: Counter::default(),
        };
        metrics.register();
        metrics.register_relay();
        metrics.register_mail();
        metrics.register_purges();
        metrics.register_hasher(hasher);
        // Present from the start: an alert on an increase must not miss the first event.
        drop(metrics.refreshes.get_or_create(&CauseLabels { cause: RefreshCause::Reused }));
        metrics
    }

    fn register(&mut self) {
        let r = self.registry.sub_registry_with_prefix("usher_admin");
        runtime::metrics::register_build_info(r, env!("CARGO_PKG_VERSION"));
        r.register("requests", "Answered requests, by method, route and status", self.requests.clone());
        let seconds = "Time to answer a request, by route";
        r.register_with_unit("request_duration", seconds, Unit::Seconds, self.request_seconds.clone());
        r.register(
            "refreshes",
            "Refresh requests by cause; reuse of a token is one of the causes",
            self.refreshes.clone(),
        );
        r.register("sign_ins", "Sign-ins by outcome", self.sign_ins.clone());
        let callbacks = "Callbacks from identity providers, by provider and outcome";
        r.register("provider_callbacks", callbacks, self.provider_callbacks.clone());
        let attempts = "Password attempts, registrations and starts of provider sign-ins, by the bucket that \
            counts or refuses them, and outcome";
        r.register("attempts", attempts, self.attempts.clone());
        let limiter = self.limiter.clone();
        let local =
            "1 while attempts are counted in this process only, because Redis does not answer, else 0";
        r.register("attempts_local", local, limiter.is_local);
        let counted = "Attempts that were counted in this process only";
        r.register("attempts_counted_locally", counted, limiter.local_attempts);
        let connections = "PostgreSQL connections of the pool: in_use, limit, and waiting (requests \
            that wait for one)";
        r.register("database_connections", connections, self.connections.clone());
        let closed = "Connections of clients that were closed for new ones, because all were open; the one unused \
            for longest is closed";
        r.register("connections_closed_for_others", closed, self.connections_closed.clone());
        let silent = "1 while PostgreSQL does not respond although its connections stay open, else 0";
        r.register("database_silent", silent, self.database_silent.clone());
        let ahead = "Consecutive months of the login history that have a partition, counting from the \
            current month";
        r.register("history_partitions_ahead", ahead, self.partitions_ahead.clone());
        let ahead =
            "Consecutive months of the audit log that have a partition, counting from the current month";
        r.register("audit_partitions_ahead", ahead, self.audit_partitions_ahead.clone());
        let failures = "Login-history entries that could not be written";
        r.register("history_write_failures", failures, self.history_failures.clone());
        let ended = "Expired role assignments that were ended";
        r.register("role_assignments_expired", ended, self.assignments_ended.clone());
        let dropped = "Log lines dropped because the queue was full";
        r.register("log_lines_dropped", dropped, self.log_lines_dropped.clone());
    }

    fn register_relay(&mut self) {
        let r = self.registry.sub_registry_with_prefix("usher_admin");
        let lag = "Waiting time of the oldest unpublished revocation; NaN when PostgreSQL is unavailable";
        r.register_with_unit("relay_lag", lag, Unit::Seconds, self.relay_lag.clone());
        let relay = self.relay.clone();
        r.register(
            "relay_leading",
            "1 while this process relays revocations to Redis, else 0",
            relay.leading,
        );
        let failing = "1 while this process should relay revocations and Redis refuses or fails, else 0";
        r.register("relay_failing", failing, relay.failing);
        r.register(
            "relay_epoch",
            "The last epoch of the revocation log that this process started",
            relay.epoch,
        );
        let version = "Version of the role map that this process published last";
        r.register("role_map_version", version, relay.role_map_version);
        r.register(
            "relay_epochs",
            "Epochs started; more than a few a day indicate an unstable Redis",
            relay.epochs,
        );
        r.register(
            "relay_published",
            "Published revocations, not counting those written again to fill an epoch",
            relay.published,
        );
        let seconds = "Time from the insertion of a revocation to its publication";
        r.register_with_unit("relay_publish_duration", seconds, Unit::Seconds, relay.publish_seconds.0);
    }

    fn register_mail(&mut self) {
        let r = self.registry.sub_registry_with_prefix("usher_admin");
        let mail = self.mail.clone();
        r.register("mail_sent", "Mails that the mail server accepted, by kind", mail.sent);
        let failed = "Failed attempts to send a mail, and mails that were given up, by reason";
        r.register("mail_failures", failed, mail.failed);
        r.register("mail_waiting", "Mails that wait to be sent", mail.waiting);
        let oldest = "Age of the oldest mail that could have been sent; 0 if there is none, NaN when PostgreSQL is \
            unavailable";
        r.register_with_unit("mail_oldest", oldest, Unit::Seconds, mail.oldest_seconds);
    }

    fn register_purges(&mut self) {
        let r = self.registry.sub_registry_with_prefix("usher_admin");
        let purges = self.purges.clone();
        r.register(
            "purged_rows",
            "Rows that were deleted or shortened because they are old, by purge",
            purges.rows,
        );
        r.register("purge_failures", "Failed runs of purges of old data, by purge", purges.failures);
        let finished = "When a purge was last complete, on any admin, in seconds since 1970, by purge";
        r.register_with_unit("purge_finished_timestamp", finished, Unit::Seconds, purges.finished);
    }

    fn register_hasher(&mut self, HasherMetrics { hashing, judging }: &HasherMetrics) {
        let r = self.registry.sub_registry_with_prefix("usher_admin");
        let threads = "Password-hashing threads: in_use, and limit";
        r.register("password_hash_threads", threads, self.hash_threads.clone());
        let queue = "Passwords that wait to be hashed, by lane";
        r.register("password_hash_queue", queue, self.hash_queue.clone());
        let wait = "Time that passwords waited to be hashed, by lane";
        r.register_with_unit("password_hash_wait", wait, Unit::Seconds, hashing.wait_seconds.clone());
        let refused = "Passwords that were not hashed because they would have waited too long, by lane";
        r.register("password_hash_refusals", refused, hashing.refused.clone());
        let queue = "New passwords whose strength waits to be judged, by lane";
        r.register("password_judge_queue", queue, self.judge_queue.clone());
        let refused = "New passwords that were not judged because they would have waited too long, by lane";
        r.register("password_judge_refusals", refused, judging.refused.clone());
    }

    /// Counts an answered request.
    pub fn request(&self, method: &Method, route: &'static str, status: u16, took: Duration) {
        let method = word_of(method).to_owned();
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
        self.request_seconds.get_or_create(&RouteLabels { route }).observe(took.as_secs_f64());
    }

    /// Counts a refresh.
    pub fn refresh(&self, cause: RefreshCause) {
        self.refreshes.get_or_create(&CauseLabels { cause }).inc();
    }

    /// Counts a sign-in.
    pub fn sign_in(&self, outcome: SignInOutcome) {
        self.sign_ins.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// Counts an attempt, by the name of its bucket.
    pub fn attempt(&self, bucket: &'static str, outcome: AttemptOutcome) {
        self.attempts.get_or_create(&AttemptLabels { bucket, outcome }).inc();
    }

    /// Counts a callback from one of the configured providers, with its outcome.
    pub fn provider_callback(&self, provider: &str, outcome: CallbackOutcome) {
        let provider = provider.to_owned();
        self.provider_callbacks.get_or_create(&ProviderLabels { provider, outcome }).inc();
    }

    /// Sets the values that are read when metrics are requested.
    pub fn observe(
        &self,
        Observed { pool, password_queues: (hashing, judging), relay_lag, outbox, log_lines_dropped }: Observed,
    ) {
        self.database_silent.set(i64::from(pool.is_silent));
        set(&self.connections, &PoolLabels { state: PoolState::InUse }, pool.lent);
        set(&self.connections, &PoolLabels { state: PoolState::Limit }, pool.most);
        set(&self.connections, &PoolLabels { state: PoolState::Waiting }, pool.waiting);
        set(&self.hash_threads, &ThreadLabels { state: ThreadState::InUse }, hashing.running);
        set(&self.hash_threads, &ThreadLabels { state: ThreadState::Limit }, hashing.threads);
        for lane in Lane::ALL {
            set(&self.hash_queue, &lane.into(), hashing.waiting(lane));
            set(&self.judge_queue, &lane.into(), judging.waiting(lane));
        }
        self.relay_lag.set(relay_lag.unwrap_or(f64::NAN));
        if let Some((waiting, _)) = outbox {
            self.mail.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        }
        self.mail.oldest_seconds.set(outbox.map_or(f64::NAN, |(_, oldest)| oldest));
        self.log_lines_dropped.inner().store(log_lines_dropped, Ordering::Relaxed);
    }

    /// All metrics, to be written as text.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// Sets a gauge to a count.
fn set<L>(family: &Family<L, Gauge>, labels: &L, count: usize)
where
    L: EncodeLabelSet + Clone + std::hash::Hash + Eq,
{
    family.get_or_create(labels).set(i64::try_from(count).unwrap_or(i64::MAX));
}
