//! From Redis to [`Knowledge`]: follows the revocation log and the role map beside it.
//!
//! Two connections. One subscribes to the wake channel: a revocation that is published there is applied at once. Pub/sub
//! may lose messages, so nothing depends on it: on each wake, and every tick, the other reads what the log holds after
//! the position ([`log_state`]), and only that moves the position. The same answer names the role map ([`role_map`]),
//! which is read before the records of that answer are applied: a client that is refused with "refresh needed" because
//! of a role comes back with a token whose roles only the new map knows. So records of that kind are applied from the
//! log alone.
//!
//! The set only grows here. Whatever Redis loses or repeats, a record that was read stays; records are removed
//! only when they expire. After a known loss the sidecar decides nothing until it has read a complete epoch.

mod log_reader;
mod log_state;
mod role_map;
mod span;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use log_reader::{LogEntry, LogReader, LogReply};
use log_state::{Effect, LogState};
use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{AsyncConnectionConfig, Client, RedisError};
use role_map::{MapReading, RoleMapReader};
use runtime::redis::Redis;
use shared::clock::Clock;
use shared::revocation::{Kind, Reason, Record, RecordError, RedisKeys, decode_all};
use tokio::time::{Instant, timeout};

use crate::keys::KillList;
use crate::knowledge::{Knowledge, Revocations};
use crate::metrics::{Anomaly, Metrics};

/// The time limit for an answer, so that a Redis that hangs is treated like one that is unavailable.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the log is read without a wake.
const TICK: Duration = Duration::from_millis(100);
/// The same while the sidecar cannot decide yet.
const TICK_WHEN_COLD: Duration = Duration::from_millis(10);
/// The delay before another attempt to connect.
const PAUSE: Duration = Duration::from_millis(200);
/// The same while the sidecar cannot decide yet.
const PAUSE_WHEN_COLD: Duration = Duration::from_millis(50);

/// Follows the log, from its beginning, without end.
pub struct Feed {
    redis: Redis,
    keys: RedisKeys,
    reader: LogReader,
    known: Arc<Knowledge>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    killed: KillList,
    role_map: RoleMapReader,
    log: LogState,
    /// The last fault, so that it is logged once.
    trouble: Option<Anomaly>,
}

/// Why a connection is closed.
#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("Redis did not answer in time")]
    TimedOut,
    #[error("the subscription ended")]
    Unsubscribed,
    #[error("the response of Redis has an unknown format")]
    Unreadable,
    #[error("the server is a replica, which may be behind; configure the address of the master")]
    NotMaster,
}

impl Feed {
    /// A feed that has read nothing, and writes what it reads to `known`.
    pub fn new(
        redis: Redis,
        killed: KillList,
        known: Arc<Knowledge>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        for record in &killed.records {
            known.revoked.apply(record);
        }
        Self {
            keys: RedisKeys::new(&redis.prefix),
            redis,
            reader: LogReader::new(),
            role_map: RoleMapReader::new(Arc::clone(&known), Arc::clone(&metrics)),
            known,
            metrics,
            clock,
            killed,
            log: LogState::new(),
            trouble: None,
        }
    }

    /// Follows the log. After a lost connection it continues from its position.
    pub async fn run(mut self) {
        loop {
            let Err(error) = self.follow().await;
            let is_replica = matches!(error, FeedError::NotMaster);
            self.report(if is_replica { Anomaly::NotMaster } else { Anomaly::Unreachable }, &error);
            self.role_map.check();
            let pause = if self.is_cold() { PAUSE_WHEN_COLD } else { PAUSE };
            tokio::time::sleep(self.at_most(pause)).await;
        }
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, FeedError> {
        // Subscribed before the first read, so that nothing is missed between the two.
        let client = self.in_time(async { Ok(self.redis.client().await?) }).await?;
        let mut wake = self.in_time(self.subscribe(&client)).await?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connected = async { Ok(client.get_multiplexed_async_connection_with_config(&config).await?) };
        let mut redis = self.in_time(connected).await?;
        self.role_map.doubt();
        loop {
            while self.read(&mut redis).await? {}
            self.wait(&mut wake).await?;
        }
    }

    async fn subscribe(&self, client: &Client) -> Result<PubSubStream, FeedError> {
        let (mut sink, stream) = client.get_async_pubsub().await?.split();
        sink.subscribe(&self.keys.wake).await?;
        Ok(stream)
    }

    /// Waits for a wake message or the next tick.
    async fn wait(&mut self, wake: &mut PubSubStream) -> Result<(), FeedError> {
        let tick = if self.is_cold() { TICK_WHEN_COLD } else { TICK };
        let Ok(first) = timeout(tick, wake.next()).await else { return Ok(()) };
        let mut next = Some(first);
        while let Some(message) = next {
            let message = message.ok_or(FeedError::Unsubscribed)?;
            for record in decode_all(message.get_payload_bytes()) {
                self.apply_woken(record);
            }
            next = wake.next().now_or_never();
        }
        Ok(())
    }

    /// Applies a published record, unless a role map must be read first. A record that is not understood is
    /// ignored here: it is also in the log, which decides.
    fn apply_woken(&mut self, record: Result<Record, RecordError>) {
        match record {
            Ok(record) if record.reason == Reason::RefreshNeeded => return,
            Ok(record) => self.apply(&record),
            Err(error) => self.report_not_understood(error),
        }
        self.metrics.pushed.inc();
    }

    /// Reads the log once. Returns whether to read again at once.
    async fn read(&mut self, redis: &mut MultiplexedConnection) -> Result<bool, FeedError> {
        self.role_map.check();
        let reply = async { Ok(self.reader.read(redis, &self.keys, self.log.position()).await?) };
        let reply = self.in_time(reply).await?.ok_or(FeedError::Unreadable)?;
        let LogReply::Log { last, time, roles, entries } = &reply else {
            return if reply == LogReply::NotMaster {
                Err(FeedError::NotMaster)
            } else {
                Ok(self.step(&reply))
            };
        };
        let map = self.read_roles(redis, *roles, entries).await;
        if matches!(map, Ok(MapReading::Newer)) && self.known.roles.is_known() {
            // An older map is in use, and the entries may belong to the map that could not be used yet.
            return Ok(true);
        }
        // The earlier of two clocks, so that a wrong one does not make records expire too early.
        self.known.revoked.purge((*time).min(self.clock.unix_seconds()));
        self.step(&reply);
        let again = map? == MapReading::Newer;
        Ok(self.read_page(redis, *last).await? || again)
    }

    /// Reads the role map that an answer named, before its `entries` are applied: the relay writes the map
    /// first. Sign-outs among the entries are applied without waiting for it.
    async fn read_roles(
        &mut self,
        redis: &mut MultiplexedConnection,
        version: Option<u64>,
        entries: &[LogEntry],
    ) -> Result<MapReading, FeedError> {
        let Some(named) = self.role_map.must_read(self.log.position().epoch, version) else {
            return Ok(MapReading::Settled);
        };
        self.apply_ahead(entries);
        let read = self.in_time(async { Ok(role_map::read(redis, &self.keys).await) }).await?;
        Ok(self.role_map.take(named, read)?)
    }

    /// Applies the records that revoke before the map is read, which is always safe. Applies nothing else, and
    /// keeps the position.
    fn apply_ahead(&mut self, entries: &[LogEntry]) {
        let records = entries.iter().filter_map(|entry| Record::decode(&entry.record).ok());
        for record in records.filter(|record| record.reason == Reason::Revoked) {
            self.apply(&record);
        }
    }

    /// Reads the next page of a longer log. Returns whether there is more.
    async fn read_page(&mut self, redis: &mut MultiplexedConnection, last: u64) -> Result<bool, FeedError> {
        if !self.log.is_behind(last) {
            return Ok(false);
        }
        let page = async { Ok(self.reader.page(redis, &self.keys, self.log.position(), last).await?) };
        let page = self.in_time(page).await?.ok_or(FeedError::Unreadable)?;
        let effects = self.log.read_page(&page);
        Ok(self.carry_out(effects))
    }

    /// Waits for an answer.
    async fn in_time<T>(&self, wanted: impl Future<Output = Result<T, FeedError>>) -> Result<T, FeedError> {
        timeout(self.at_most(PATIENCE), wanted).await.unwrap_or(Err(FeedError::TimedOut))
    }

    /// `span`, or the time until the role map must have been read, if that is shorter: however Redis fails, the
    /// roles become unknown in time.
    fn at_most(&self, span: Duration) -> Duration {
        let left = self.role_map.deadline().map(|end| end.saturating_duration_since(Instant::now()));
        left.map_or(span, |left| span.min(left))
    }

    /// Whether the sidecar cannot decide because the revocations are not known.
    fn is_cold(&self) -> bool {
        !self.known.has_all_revocations()
    }

    /// Takes an answer of the script. Returns whether to read again at once.
    fn step(&mut self, reply: &LogReply) -> bool {
        let effects = self.log.step(reply);
        self.carry_out(effects)
    }

    /// Applies the effects that the state of the log returned. Returns whether to read again at once.
    fn carry_out(&mut self, effects: Vec<Effect<'_>>) -> bool {
        let mut again = false;
        for effect in effects {
            match effect {
                Effect::ReadAgain => again = true,
                Effect::Begin(epoch) => tracing::info!(epoch, "The revocation log has a new epoch."),
                Effect::Apply(record, entry) => self.apply_read(&record, entry),
                Effect::NotUnderstood(error) => {
                    self.report_not_understood(error);
                    self.metrics.read.inc();
                }
                Effect::Report(anomaly, why) => self.report(anomaly, &why),
                Effect::Close(why) => self.known.mark_revocations(why),
                Effect::End { complete } => self.end(complete),
            }
        }
        again
    }

    fn apply_read(&mut self, record: &Record, entry: &LogEntry) {
        // Records that are read at the start were published long before.
        let trace = entry.trace.as_deref().filter(|_| !self.is_cold());
        let _span = trace.and_then(|parent| span::begin(parent, entry.position));
        self.apply(record);
        self.metrics.read.inc();
    }

    fn apply(&mut self, record: &Record) {
        self.known.revoked.apply(record);
        if record.kind == Kind::Key {
            self.killed.add(record);
        }
    }

    /// The log has been read to its end.
    fn end(&mut self, complete: bool) {
        let (position, held) = (self.log.position(), self.known.revoked.count());
        let metrics = &self.metrics;
        metrics.epoch.set(position.epoch as i64);
        metrics.sequence.set(position.seq as i64);
        metrics.held.set(held as i64);
        metrics.held_bytes.set(self.known.revoked.bytes() as i64);
        metrics.log_read.set(self.clock.unix_seconds() as i64);
        if !complete {
            return;
        }
        if self.trouble.take().is_some() || self.is_cold() {
            tracing::info!(%position, held, "The whole revocation log has been read.");
        }
        self.known.mark_revocations(Revocations::Known);
    }

    fn report_not_understood(&self, error: RecordError) {
        tracing::error!(%error, "A revocation record has an unknown format; upgrade this sidecar.");
        self.metrics.anomaly(Anomaly::Undecodable);
    }

    /// Counts a fault, and logs it when it is new.
    fn report(&mut self, anomaly: Anomaly, why: &dyn std::fmt::Display) {
        self.metrics.anomaly(anomaly);
        if self.trouble.replace(anomaly) != Some(anomaly) {
            let (position, anomaly) = (self.log.position(), anomaly.label());
            tracing::warn!(%position, anomaly, %why, "Cannot follow the revocation log; retrying.");
        }
    }
}
