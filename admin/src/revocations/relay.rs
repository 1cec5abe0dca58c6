//! Moves committed revocations and the role map from PostgreSQL to Redis. Of all replicas one relay at a time
//! does it.
//!
//! The leading relay holds an advisory lock on a dedicated PostgreSQL connection, and runs every select, mark
//! and epoch change on it ([`lease`]). It is *bound* to one history of Redis ([`log`]): the first error ends
//! the binding, because the state of Redis is then unknown. The next binding begins with a new epoch, which
//! is filled with every unexpired row.
//!
//! ```text
//!            lock taken             filled, meta set
//! waiting ───────────────► filling ─────────────────► live ─┐ publish, mark, look again
//!    ▲  ▲                   ▲   │                      │ ▲──┘
//!    │  └───────────────────┼───┘ any error            │
//!    │                      └──────────────────────────┤ Redis error, fork, meta missing: new epoch
//!    └─────────────────────────────────────────────────┘ PostgreSQL lost, or a higher epoch: step down
//! ```

mod binding;
mod end;
mod lease;
mod log;
mod needed;
mod timing;
mod traces;
mod trim;

use runtime::redis::Redis;
use shared::revocation::{LogPosition, Record, RedisKeys};
use tokio::time::{Instant, sleep, timeout};

use crate::config::DatabaseConfig;
use crate::metrics::RelayMetrics;
use crate::stop::Stop;

use super::store::RevocationRow;
use binding::Binding;
use end::{BindingLost, SteppedDown, binding_lost, overtaken, step_down};
use lease::Lease;
use log::Log;
use needed::Needed;
use timing::Failures;
pub use timing::RelayTiming;
use traces::Traces;

/// The relay of one process.
pub struct Relay {
    database: DatabaseConfig,
    redis: Redis,
    keys: RedisKeys,
    metrics: RelayMetrics,
    timing: RelayTiming,
}

impl Relay {
    /// A relay. Opens no connection.
    pub fn new(database: &DatabaseConfig, redis: &Redis, metrics: RelayMetrics, timing: RelayTiming) -> Self {
        let keys = RedisKeys::new(&redis.prefix);
        Self { database: database.clone(), redis: redis.clone(), keys, metrics, timing }
    }

    /// Leads whenever no other relay does, until `stop`; then publishes the remaining rows and ends.
    pub async fn run(&self, stop: Stop) {
        let mut failures = Failures::default();
        loop {
            let reason = tokio::select! {
                biased;
                () = stop.clone() => return,
                lease = self.acquire_lease() => match lease {
                    Ok(lease) => self.lead(&lease, &stop, &mut failures).await,
                    Err(reason) => Err(reason),
                },
            };
            self.metrics.leading.set(0);
            let Err(reason) = reason else { return };
            let rest = failures.rest_after_stepping_down(&reason, &self.timing);
            let _stopped_or_rested = timeout(rest, stop.clone()).await;
        }
    }

    async fn acquire_lease(&self) -> Result<Lease, SteppedDown> {
        let lease = Lease::connect(&self.database).await?;
        while !lease.try_lock().await? {
            sleep(self.timing.follow).await;
        }
        Ok(lease)
    }

    /// Binds to Redis again and again, until `stop` (then `Ok`) or until it must stop leading.
    async fn lead(&self, lease: &Lease, stop: &Stop, failures: &mut Failures) -> Result<(), SteppedDown> {
        loop {
            let log = Log::connect(&self.redis, &self.keys).await.map_err(SteppedDown::Redis)?;
            let binding = self.fill(lease, log).await?;
            match self.serve(lease, binding, stop).await {
                Ok(()) => return Ok(()),
                Err(BindingLost::StepDown(reason)) => return Err(reason),
                Err(BindingLost::Rebind(reason)) => {
                    let rest = failures.rest_before_rebinding(&reason, &self.timing);
                    let _stopped_or_rested = timeout(rest, stop.clone()).await;
                }
            }
        }
    }

    /// Takes a new epoch and writes all unexpired rows under it, marked or not; `meta` last.
    ///
    /// A Redis error here gives up the leadership instead of binding again, so that a Redis that fails every
    /// time is retried after [`RelayTiming::rest`], and by any replica that can reach it.
    ///
    /// A row that is committed between two pages, with an identifier already passed, is unmarked: the first
    /// look after the filling publishes it. The role map is read after all rows, for the reason given at
    /// [`Self::publish`].
    async fn fill(&self, lease: &Lease, mut log: Log) -> Result<Binding, SteppedDown> {
        let epoch = lease.new_epoch(log.highest_epoch().await.map_err(SteppedDown::Redis)?).await?;
        let at = LogPosition { epoch, seq: 0 };
        let mut binding = Binding { log, at, floor: 0, needed: Needed::default(), roles: 0 };
        binding.log.clear(epoch).await.map_err(|error| overtaken(epoch, error))?;
        let mut reached = 0;
        loop {
            let rows = lease.unexpired(reached, self.timing.batch).await?;
            let Some(last) = rows.last() else { break };
            reached = last.id;
            let before = binding.at;
            binding.load(&records(&rows)).await.map_err(|error| overtaken(epoch, error))?;
            lease.mark(before, &rows).await?;
        }
        let roles = lease.role_map(epoch).await?;
        binding.log.open(binding.at, &roles).await.map_err(|error| overtaken(epoch, error))?;
        binding.roles = roles.version;
        self.metrics.role_map_version.set(roles.version);
        self.metrics.leading.set(1);
        self.metrics.epoch.set(epoch);
        self.metrics.epochs.inc();
        tracing::info!(epoch, records = binding.at.seq, "Relaying revocations.");
        Ok(binding)
    }

    /// Live: publishes after every commit, until `stop` or an error.
    async fn serve(&self, lease: &Lease, mut binding: Binding, stop: &Stop) -> Result<(), BindingLost> {
        let (mut trimmed, mut sweeping) = (Instant::now(), true);
        loop {
            self.publish(lease, &mut binding).await?;
            if trimmed.elapsed() >= self.timing.trim_every {
                self.trim(lease, &mut binding).await?;
                (trimmed, sweeping) = (Instant::now(), true);
            }
            sweeping = sweeping && self.sweep(lease).await;
            tokio::select! {
                () = stop.clone() => return self.publish(lease, &mut binding).await,
                _heard_or_tick = timeout(self.timing.tick, lease.notified()) => {}
            }
        }
    }

    /// Publishes the unpublished rows, and marks exactly those. Without any it still checks that Redis is as
    /// this relay left it.
    ///
    /// The role map is read after the rows and written before them: tokens refreshed because of these rows
    /// never meet an older map.
    async fn publish(&self, lease: &Lease, binding: &mut Binding) -> Result<(), BindingLost> {
        loop {
            let (rows, version) = lease.unpublished(self.timing.batch).await.map_err(step_down)?;
            self.publish_roles(lease, binding, version).await?;
            let before = binding.at;
            let traces = Traces::begin(&rows, before);
            let appended = binding.append(&records(&rows), &traces).await;
            traces.end(&appended);
            appended.map_err(|error| binding_lost(before.epoch, error))?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in &rows {
                self.metrics.publish_seconds.observe(row.waited_seconds);
            }
            self.metrics.published.inc_by(binding.at.seq - before.seq);
            lease.mark(before, &rows).await.map_err(step_down)?;
        }
    }

    /// Writes the role map if its version differs from the one in Redis.
    async fn publish_roles(
        &self,
        lease: &Lease,
        binding: &mut Binding,
        version: u64,
    ) -> Result<(), BindingLost> {
        if version == binding.roles {
            return Ok(());
        }
        let roles = lease.role_map(binding.at.epoch).await.map_err(step_down)?;
        binding.log.write_roles(&roles).await.map_err(|error| binding_lost(roles.epoch, error))?;
        binding.roles = roles.version;
        self.metrics.role_map_version.set(roles.version);
        tracing::info!(version = roles.version, roles = roles.map.len(), "Published the role map.");
        Ok(())
    }
}

fn records(rows: &[RevocationRow]) -> Vec<Record> {
    rows.iter().map(|row| row.record).collect()
}
