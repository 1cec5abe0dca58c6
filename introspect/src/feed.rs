//! Redis to [`Revoked`] and [`Roles`]: reads the revocation log and the role map beside it, and goes on reading.
//!
//! Two connections. One is subscribed to the wake channel: what is revoked there is applied at once.
//! Pub/sub may lose messages, so nothing rests on it: on each wake, and every tick, the other asks for
//! what the log holds after our position, and only that moves the position. The same answer names the role map
//! ([`role_map`]), which is read before the records of that answer are applied: whoever is told to refresh for a role
//! comes back with a token that names what only the new map knows. So "refresh needed" is left to the log.
//!
//! The set only grows here. Whatever Redis loses, forgets or says anew, nothing that was read is
//! unlearned; records go by their own end alone. What is known to be lost closes the sidecar until a complete
//! epoch has been read.
//!
//! Not here yet: certificates of freshness, the stale state and acknowledgements.

mod role_map;
mod sync;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{AsyncConnectionConfig, Client, RedisError};
use role_map::{Read, RoleMapReader};
use runtime::redis::Redis;
use shared::clock::Clock;
use shared::revocation::{Kind, LogPosition, Reason, Record, RecordError, RedisKeys, decode_all};
use sync::{Entry, Reply, Sync};
use tokio::time::{Instant, timeout};

use crate::keys::KillList;
use crate::metrics::{Anomaly, Metrics};
use crate::ready::{Ready, Revocations};
use crate::revoked::Revoked;
use crate::rights::Roles;
use crate::traces::applying;

/// Longer than this no answer is waited for, so that a Redis that hangs is left like one that is gone.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the log is read without a wake.
const TICK: Duration = Duration::from_millis(100);
/// The same while nothing can be decided yet.
const TICK_WHEN_COLD: Duration = Duration::from_millis(10);
/// A connection on which nothing was heard for so long is probed; the subscription has no questions of its own.
const SILENCE: Duration = Duration::from_secs(5);
/// Between probes.
const PROBE_PAUSE: Duration = Duration::from_secs(1);
/// Probes without an answer, after which the connection is given up.
const PROBES: u32 = 3;
/// Sent bytes that are not acknowledged for so long end the connection.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
/// Before another attempt to connect.
const PAUSE: Duration = Duration::from_millis(200);
/// The same while nothing can be decided yet.
const PAUSE_WHEN_COLD: Duration = Duration::from_millis(50);

/// What the feed works on, shared with the rest of the program.
#[derive(Clone)]
pub struct Shared {
    /// Where records go.
    pub revoked: Arc<Revoked>,
    /// Where the role map goes.
    pub roles: Arc<Roles>,
    /// Who is told when all were read.
    pub ready: Arc<Ready>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Follows the log, from its beginning, for ever.
pub struct Feed {
    redis: Redis,
    keys: RedisKeys,
    sync: Sync,
    shared: Shared,
    killed: KillList,
    role_map: RoleMapReader,
    position: LogPosition,
    /// The highest epoch seen: the log of a lower one is an old history.
    highest: u64,
    /// Something of this epoch was not there or not understood, or the epoch itself is an old one.
    lost: Option<Revocations>,
    /// What was wrong last, so that it is logged once.
    trouble: Option<Anomaly>,
}

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("no answer in time")]
    TimedOut,
    #[error("the subscription ended")]
    Unsubscribed,
    #[error("the answer has no known form")]
    Unreadable,
    #[error("the server is a replica, which may be behind; name the master")]
    NotMaster,
}

impl Feed {
    /// A feed that has read nothing.
    pub fn new(redis: Redis, killed: KillList, shared: Shared) -> Self {
        for record in killed.records() {
            shared.revoked.apply(record);
        }
        let Shared { roles, ready, metrics, .. } = shared.clone();
        Self {
            keys: RedisKeys::new(&redis.prefix),
            redis: redis.with_tcp_settings(&tcp_settings()),
            sync: Sync::new(),
            shared,
            killed,
            role_map: RoleMapReader::new(roles, ready, metrics),
            position: LogPosition { epoch: 0, seq: 0 },
            highest: 0,
            lost: None,
            trouble: None,
        }
    }

    /// Follows the log. A lost connection is made anew and read on from where it was.
    pub async fn run(mut self) {
        loop {
            let Err(error) = self.follow().await;
            self.note(
                if matches!(error, FeedError::NotMaster) { Anomaly::NotMaster } else { Anomaly::Unreachable },
                &error,
            );
            self.role_map.check();
            let cold = !self.shared.ready.revocations_are_known();
            let pause = if cold { PAUSE_WHEN_COLD } else { PAUSE };
            tokio::time::sleep(self.at_most(pause)).await;
        }
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, FeedError> {
        // Subscribed before the first read, so that nothing falls between the two.
        let client = self.in_time(async { Ok(self.redis.client().await?) }).await?;
        let mut wake = self.in_time(self.subscribe(&client)).await?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connected = async { Ok(client.get_multiplexed_async_connection_with_config(&config).await?) };
        let mut log = self.in_time(connected).await?;
        self.role_map.doubt();
        loop {
            while self.read(&mut log).await? {}
            self.wait(&mut wake).await?;
        }
    }

    async fn subscribe(&self, client: &Client) -> Result<PubSubStream, FeedError> {
        let (mut sink, stream) = client.get_async_pubsub().await?.split();
        sink.subscribe(&self.keys.wake).await?;
        Ok(stream)
    }

    /// Until a wake message or the next tick.
    async fn wait(&mut self, wake: &mut PubSubStream) -> Result<(), FeedError> {
        let tick = if self.shared.ready.revocations_are_known() { TICK } else { TICK_WHEN_COLD };
        let Ok(first) = timeout(tick, wake.next()).await else { return Ok(()) };
        let mut next = Some(first);
        while let Some(message) = next {
            let message = message.ok_or(FeedError::Unsubscribed)?;
            for record in decode_all(message.get_payload_bytes()) {
                if record.is_ok_and(|record| record.reason == Reason::RefreshNeeded) {
                    // Its map comes first, and only the log is read with that.
                    continue;
                }
                // What is not understood here stands in the log as well, which alone decides.
                let _understood = self.apply(record);
                self.shared.metrics.pushed.inc();
            }
            next = wake.next().now_or_never();
        }
        Ok(())
    }

    /// Asks once; whether to ask again at once.
    async fn read(&mut self, log: &mut MultiplexedConnection) -> Result<bool, FeedError> {
        self.role_map.check();
        let reply = self.in_time(async { Ok(self.sync.ask(log, &self.keys, self.position).await?) }).await?;
        match reply.ok_or(FeedError::Unreadable)? {
            Reply::NotMaster => Err(FeedError::NotMaster),
            Reply::NoEpoch => {
                self.note(Anomaly::NoEpoch, &"the relay of admin has not filled it yet");
                Ok(false)
            }
            Reply::Epoch(epoch) => Ok(self.begin(epoch)),
            Reply::Regressed => {
                // Perhaps it grows past our position with other records: those must not be missed.
                self.note(Anomaly::Regressed, &"it ends before our position");
                self.position.seq = 0;
                Ok(true)
            }
            Reply::Trimmed(floor) => {
                // Only records that were over for long are ever trimmed, so none of them is missed.
                self.position.seq = floor;
                Ok(true)
            }
            Reply::Log { last, time, roles, entries } => {
                let read = self.read_roles(log, roles, &entries).await;
                if matches!(read, Ok(Read::Newer)) && self.role_map.is_known() {
                    // An older map is in use, and the entries may belong to the one that could not be taken yet.
                    return Ok(true);
                }
                let behind = self.take(last, time, &entries);
                let again = read? == Read::Newer;
                if behind {
                    let page = self.sync.page(log, &self.keys, self.position, last);
                    let page = self.in_time(async { Ok(page.await?) }).await?;
                    self.take_page(&page.ok_or(FeedError::Unreadable)?);
                }
                Ok(behind || again)
            }
        }
    }

    /// Reads the role map that an answer named, before its `entries` are applied: the relay writes the map first.
    /// Sign-outs among them do not wait for it.
    async fn read_roles(
        &mut self,
        log: &mut MultiplexedConnection,
        version: Option<u64>,
        entries: &[Entry],
    ) -> Result<Read, FeedError> {
        let Some(named) = self.role_map.must_read(self.position.epoch, version) else {
            return Ok(Read::Settled);
        };
        self.apply_ahead(entries);
        let read = self.in_time(async { Ok(role_map::read(log, &self.keys).await) }).await?;
        Ok(self.role_map.take(named, read)?)
    }

    /// Applies what is revoked, before its turn: that is never wrong. Nothing else is, and the position stays.
    fn apply_ahead(&mut self, entries: &[Entry]) {
        let records = entries.iter().filter_map(|entry| Record::decode(&entry.record).ok());
        for record in records.filter(|record| record.reason == Reason::Revoked) {
            let _understood = self.apply(Ok(record));
        }
    }

    /// Waits for an answer.
    async fn in_time<T>(&self, wanted: impl Future<Output = Result<T, FeedError>>) -> Result<T, FeedError> {
        timeout(self.at_most(PATIENCE), wanted).await.unwrap_or(Err(FeedError::TimedOut))
    }

    /// `span`, or what is left until it must be looked whether the role map has come: however Redis fails, roles
    /// are unknown when they should be.
    fn at_most(&self, span: Duration) -> Duration {
        let left = self.role_map.deadline().map(|end| end.saturating_duration_since(Instant::now()));
        left.map_or(span, |left| span.min(left))
    }

    /// Another epoch is read from its start. One that is not above all before it is Redis, or PostgreSQL,
    /// gone back in time: what it holds is applied, but it says nothing of what it lacks.
    fn begin(&mut self, epoch: u64) -> bool {
        if epoch > self.highest {
            tracing::info!(epoch, "The revocation log has a new epoch.");
            self.highest = epoch;
            self.lost = None;
        } else {
            let why = "its epoch is before one already read; restart this sidecar if PostgreSQL was restored";
            self.note(Anomaly::LowerEpoch, &why);
            self.lose(Revocations::Old);
        }
        self.position = LogPosition { epoch, seq: 0 };
        true
    }

    /// Applies what the log holds after the position; whether it holds more.
    fn take(&mut self, last: u64, time: u64, entries: &[Entry]) -> bool {
        // The earlier of two clocks, so that one that is wrong makes nothing be forgotten.
        self.shared.revoked.purge(time.min(self.shared.clock.unix_seconds()));
        self.advance(entries);
        if entries.is_empty() && self.position.seq < last {
            self.gap();
            self.position.seq = last;
        }
        let behind = self.position.seq < last;
        if !behind {
            self.settle();
        }
        behind
    }

    /// Applies an answer of the script, which is atomic: what is missing from it is missing from the log.
    fn advance(&mut self, entries: &[Entry]) {
        for entry in entries {
            if entry.position.seq != self.position.seq + 1 {
                self.gap();
            }
            self.step(entry);
        }
    }

    /// Applies a page as far as it follows on. It was not read in one with the floor: a page that begins
    /// later may have been trimmed meanwhile. The next answer of the script says which it is.
    fn take_page(&mut self, entries: &[Entry]) {
        for entry in entries {
            if entry.position.seq != self.position.seq + 1 {
                return;
            }
            self.step(entry);
        }
    }

    fn step(&mut self, entry: &Entry) {
        // What is read at the start was published long before.
        let is_news = self.shared.ready.revocations_are_known();
        let _span =
            entry.trace.as_deref().filter(|_| is_news).and_then(|parent| applying(parent, entry.position));
        if !self.apply(Record::decode(&entry.record)) {
            self.lose(Revocations::Incomplete);
        }
        self.shared.metrics.read.inc();
        self.position.seq = entry.position.seq;
    }

    /// The whole log has been read.
    ///
    /// A log that is not complete, or holds records that this version does not understand, keeps the
    /// sidecar from deciding: it cannot know what it would let through. A new epoch starts with a clean
    /// slate.
    fn settle(&mut self) {
        let metrics = &self.shared.metrics;
        metrics.epoch.set(self.position.epoch as i64);
        metrics.sequence.set(self.position.seq as i64);
        metrics.held.set(self.shared.revoked.len() as i64);
        metrics.held_bytes.set(self.shared.revoked.bytes() as i64);
        metrics.log_read.set(self.shared.clock.unix_seconds() as i64);
        if self.lost.is_some() {
            return;
        }
        if self.trouble.take().is_some() || !self.shared.ready.revocations_are_known() {
            let held = self.shared.revoked.len();
            tracing::info!(position = %self.position, held, "The whole revocation log has been read.");
        }
        self.shared.ready.set_revocations(Revocations::Known);
    }

    /// Whether the record was understood.
    fn apply(&mut self, record: Result<Record, RecordError>) -> bool {
        match &record {
            Ok(record) => {
                self.shared.revoked.apply(record);
                if record.kind == Kind::Key {
                    self.killed.add(record);
                }
            }
            Err(error) => {
                tracing::error!(%error, "A revocation record is not understood; upgrade this sidecar.");
                self.shared.metrics.anomaly(Anomaly::Undecodable);
            }
        }
        record.is_ok()
    }

    fn gap(&mut self) {
        self.note(Anomaly::Gap, &"records are missing from it; a new epoch brings them back");
        self.lose(Revocations::Incomplete);
    }

    /// From now on nothing can be decided, until a complete epoch above all others has been read.
    fn lose(&mut self, what: Revocations) {
        let what = *self.lost.get_or_insert(what);
        self.shared.ready.set_revocations(what);
    }

    /// Counts what is wrong, and logs it when it is new.
    fn note(&mut self, anomaly: Anomaly, why: &dyn std::fmt::Display) {
        self.shared.metrics.anomaly(anomaly);
        if self.trouble.replace(anomaly) != Some(anomaly) {
            let (position, anomaly) = (self.position, anomaly.label());
            tracing::warn!(%position, anomaly, %why, "The revocation log cannot be followed; trying again.");
        }
    }
}

/// A connection whose other end is gone without a word is noticed within seconds.
fn tcp_settings() -> TcpSettings {
    let probes = TcpKeepalive::new().with_time(SILENCE).with_interval(PROBE_PAUSE).with_retries(PROBES);
    TcpSettings::default().set_nodelay(true).set_keepalive(probes).set_user_timeout(UNACKNOWLEDGED)
}
