//! From Redis to [`Knowledge`]: follows the revocation log and the role map beside it.
//!
//! Two connections. One subscribes to the wake channel: a revocation that is published there is applied at once. Pub/sub
//! may lose messages, so nothing depends on it: on each wake, and every tick, the other reads what the log holds after
//! the position ([`RevocationReader`]), and only that moves the position and certifies how fresh the knowledge is. The same
//! answer names the role map ([`role_map`]), which is read before the records of that answer are applied: a client that
//! is refused with "refresh needed" because of a role comes back with a token whose roles only the new map knows. So
//! records of that kind are applied from the log alone.
//!
//! The set only grows here. Whatever Redis loses or repeats, a record that was read stays; records are removed
//! only when they expire. While the log is incomplete, old, or without heartbeats, nothing is certified, and the last
//! certificate ages.

mod acknowledgements;
mod authenticity;
mod challenges;
mod fault;
mod log_reader;
mod question;
mod role_map;
mod role_map_seal;
mod span;
#[cfg(test)]
mod tests;

use std::iter;
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use acknowledgements::Acknowledgements;
use authenticity::Authenticity;
use fault::{FeedError, anomaly};
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt as _, StreamExt as _};
use log_reader::{LogReader, PAGES_AHEAD, Pages};
use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{AsyncConnectionConfig, Client, Msg};
use role_map::{MapReading, RoleMapReader};
use runtime::redis::Redis;
use shared::clock::Clock;
use shared::revocation::{
    Kind, LogEntry, LogKeys, LogPart, LogReply, ReaderEffect, ReadingProof, Reason, Record, RecordError,
    RedisKeys, RevocationReader, decode_all,
};
use tokio::time::{Instant, timeout};

use crate::freshness::{Moment, SidecarState};
use crate::keys::KillList;
use crate::knowledge::Knowledge;
use crate::metrics::{Anomaly, Metrics};

/// The time limit for an answer, so that a Redis that hangs is treated like one that is unavailable.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the log is read without a wake.
const TICK: Duration = Duration::from_millis(100);
/// The same while the sidecar is not fresh.
const TICK_WHEN_OLD: Duration = Duration::from_millis(10);
/// The delay before another attempt to connect.
const PAUSE: Duration = Duration::from_millis(200);
/// The same while the sidecar is not fresh.
const PAUSE_WHEN_OLD: Duration = Duration::from_millis(50);
/// Pages that are read before the script is called again.
const PAGES_AT_ONCE: usize = 16;
/// Farther apart than this, one of two clocks is wrong, and records may expire too early.
const CLOCKS_APART: Duration = Duration::from_mins(2);

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
    authenticity: Authenticity,
    log: RevocationReader<Moment>,
    /// The last fault, so that it is logged once.
    trouble: Option<Anomaly>,
    acks: Acknowledgements,
}

impl Feed {
    /// A feed that has read nothing, and writes what it reads to `known`. With `signing` keys it believes only what is signed
    /// with one of them.
    pub fn new(
        redis: Redis,
        signing: Option<LogKeys>,
        killed: KillList,
        known: Arc<Knowledge>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        for record in &killed.records {
            known.revoked.apply(record);
        }
        let keys = RedisKeys::new(&redis.prefix);
        let authenticity = Authenticity::new(signing);
        Self {
            log: authenticity.reader(),
            authenticity,
            acks: Acknowledgements::new(&keys),
            keys,
            redis,
            reader: LogReader::new(),
            role_map: RoleMapReader::new(Arc::clone(&known), Arc::clone(&metrics)),
            known,
            metrics,
            clock,
            killed,
            trouble: None,
        }
    }

    /// Follows the log. After a lost connection it continues from its position.
    pub async fn run(mut self) {
        loop {
            let Err(error) = self.follow().await;
            let is_replica = matches!(error, FeedError::NotMaster);
            if !is_replica {
                self.report(Anomaly::Unreachable, &error);
            }
            self.known.freshness.mark_reading(false);
            self.role_map.check();
            let pause = if self.is_fresh() { PAUSE } else { PAUSE_WHEN_OLD };
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
            while self.read(&mut redis, &mut wake).await? {}
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
        let tick = if self.is_fresh() { TICK } else { TICK_WHEN_OLD };
        let Ok(first) = timeout(tick, wake.next()).await else { return Ok(()) };
        self.take_published(Some(first), wake)
    }

    /// Applies `next` and what else was published by now.
    fn take_published(
        &mut self,
        mut next: Option<Option<Msg>>,
        wake: &mut PubSubStream,
    ) -> Result<(), FeedError> {
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
    async fn read(
        &mut self,
        redis: &mut MultiplexedConnection,
        wake: &mut PubSubStream,
    ) -> Result<bool, FeedError> {
        self.role_map.check();
        // Taken before the question is sent: what is committed later may be missing from the answer.
        let sent = Moment { at: Monotonic::now(), wall: self.clock.unix_seconds() };
        let reply = self.ask(redis, sent).await?.ok_or(FeedError::Unreadable)?;
        let LogReply::Log(part) = &reply else { return self.step(sent, &reply, &ReadingProof::default()) };
        let certificate = self.certificate(part);
        let map = self.read_roles(redis, part).await;
        if matches!(map, Ok(MapReading::Newer)) && self.known.roles.is_known() {
            // An older map is in use, and the entries may belong to the map that could not be used yet.
            return Ok(true);
        }
        // The earlier of two clocks, so that a wrong one does not make records expire too early.
        self.known.revoked.purge(part.time.min(self.clock.unix_seconds()));
        let may_certify = self.role_map.is_settled()
            && self.clocks_agree(sent.wall, part.time)
            && certificate.as_ref().is_none_or(|(signed, _)| self.has_map_of(signed));
        self.step(sent, &reply, &ReadingProof { may_certify, certificate })?;
        let again = map? == MapReading::Newer;
        if !self.log.is_behind(part.last) {
            self.acknowledge(redis).await?;
        }
        Ok(self.read_pages(redis, wake, part.last).await? || again)
    }

    /// Whether the clock of this machine and that of Redis are close to each other.
    fn clocks_agree(&mut self, ours: u64, theirs: u64) -> bool {
        let agree = ours.abs_diff(theirs) <= CLOCKS_APART.as_secs();
        if !agree {
            self.report(
                Anomaly::Clock,
                &"the clocks of Redis and of this machine are over two minutes apart",
            );
        }
        agree
    }

    /// Reads the role map that an answer named, before its `entries` are applied: the relay writes the map
    /// first. Sign-outs among the entries are applied without waiting for it.
    async fn read_roles(
        &mut self,
        redis: &mut MultiplexedConnection,
        part: &LogPart,
    ) -> Result<MapReading, FeedError> {
        let Some(named) = self.role_map.must_read(self.log.position().epoch, part.roles) else {
            return Ok(MapReading::Settled);
        };
        self.apply_ahead(&part.entries);
        self.role_map.require(self.authenticity.seal(self.log.identity(), part));
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

    /// Reads the rest of a longer log, or much of it. What is published meanwhile is applied at once. Returns whether to
    /// read again.
    async fn read_pages(
        &mut self,
        redis: &MultiplexedConnection,
        wake: &mut PubSubStream,
        last: u64,
    ) -> Result<bool, FeedError> {
        if !self.log.is_behind(last) || self.log.is_awaiting_floor() {
            return Ok(false);
        }
        let mut pages = Pages::after(self.log.position(), last, redis, &self.keys);
        let mut asked: FuturesOrdered<_> = iter::from_fn(|| pages.ask()).take(PAGES_AHEAD).collect();
        for _ in 0..PAGES_AT_ONCE {
            let Some(page) = self.in_time(async { Ok(asked.next().await.transpose()?) }).await? else {
                break;
            };
            asked.extend(pages.ask());
            let page = page.ok_or(FeedError::Unreadable)?;
            let effects = self.log.read_page(&page);
            self.carry_out(effects)?;
            let published = wake.next().now_or_never();
            self.take_published(published, wake)?;
            self.role_map.check();
        }
        Ok(true)
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

    /// Whether the last certificate is recent.
    fn is_fresh(&self) -> bool {
        self.known.freshness.state() == SidecarState::Fresh
    }

    /// Takes an answer of the script to a question of that moment. Returns whether to read again at once.
    fn step(
        &mut self,
        sent: Moment,
        reply: &LogReply,
        proof: &ReadingProof<Moment>,
    ) -> Result<bool, FeedError> {
        let effects = self.log.step_signed(sent, reply, proof);
        self.carry_out(effects)
    }

    /// Applies the effects that the state of the log returned. Returns whether to read again at once.
    fn carry_out(&mut self, effects: Vec<ReaderEffect<'_, Moment>>) -> Result<bool, FeedError> {
        let mut again = false;
        for effect in effects {
            match effect {
                ReaderEffect::ReadAgain => again = true,
                ReaderEffect::Reconnect => return Err(FeedError::NotMaster),
                ReaderEffect::Begin(epoch) => {
                    tracing::info!(epoch, "The revocation log has a new epoch.");
                    self.known.freshness.mark_reading(true);
                }
                ReaderEffect::Apply(record, entry) => self.apply_read(&record, entry),
                ReaderEffect::NotUnderstood(error) => {
                    self.report_not_understood(error);
                    self.metrics.read.inc();
                }
                ReaderEffect::Report(fault) => self.report(anomaly(fault), &fault.sentence()),
                ReaderEffect::End => self.end(),
                ReaderEffect::Certified(since) => self.certify(since),
                ReaderEffect::Uncertified(is_read) => self.mark_uncertified(is_read),
            }
        }
        Ok(again)
    }

    fn apply_read(&mut self, record: &Record, entry: &LogEntry) {
        // Records that are read at the start were published long before.
        let trace = entry.trace.as_deref().filter(|_| !self.known.freshness.is_cold());
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
    fn end(&mut self) {
        let (position, held) = (self.log.position(), self.known.revoked.count());
        let metrics = &self.metrics;
        metrics.epoch.set(position.epoch as i64);
        metrics.sequence.set(position.seq as i64);
        metrics.held.set(held as i64);
        metrics.held_bytes.set(self.known.revoked.bytes() as i64);
        metrics.log_read.set(self.clock.unix_seconds() as i64);
        self.known.freshness.mark_reading(false);
    }

    /// Everything that was committed before `since` has been applied.
    fn certify(&mut self, since: Moment) {
        if self.trouble.take().is_some() || self.known.freshness.is_cold() {
            let (position, held) = (self.log.position(), self.known.revoked.count());
            tracing::info!(%position, held, "The whole revocation log has been read.");
        }
        self.known.certify(since);
    }

    fn mark_uncertified(&mut self, is_read: bool) {
        if is_read && self.known.freshness.is_cold() {
            tracing::warn!(
                "The leading admin has an earlier release and sends no heartbeats: the age of the revocations is \
                 unknown. Upgrade admin."
            );
        }
        self.known.mark_uncertified(is_read);
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
