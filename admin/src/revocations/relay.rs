//! Moves committed revocations and the role map from PostgreSQL to Redis. Of all replicas one relay at a time
//! does it.
//!
//! The leading relay holds an advisory lock on a dedicated PostgreSQL connection, and runs every select, mark
//! and epoch change on it ([`post`]). It is *bound* to one history of Redis ([`log`]): the first error ends
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

mod log;
mod pace;
mod post;
mod traces;
mod trim;

use runtime::redis::Redis;
use shared::revocation::{LogPosition, Record, RedisKeys};
use tokio::time::{Instant, sleep, timeout};

use crate::config::DatabaseConfig;
use crate::db::DbError;
use crate::metrics::RelayMetrics;
use crate::server::Stop;

use super::store::Row;
use log::{Log, LogError};
use pace::Falls;
pub use pace::Pace;
use post::Post;
use traces::Traces;
use trim::Needed;

/// The relay of one process.
pub struct Relay {
    database: DatabaseConfig,
    redis: Redis,
    keys: RedisKeys,
    metrics: RelayMetrics,
    pace: Pace,
}

/// A binding to one history of Redis, in one epoch.
struct Bound {
    log: Log,
    /// The end of the log.
    at: LogPosition,
    /// The position up to which it was trimmed.
    floor: u64,
    needed: Needed,
    /// The version of the role map in Redis.
    roles: u64,
}

/// Why a relay no longer leads.
#[derive(Debug, thiserror::Error)]
enum Fall {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("{0}")]
    Redis(LogError),
    #[error(
        "Redis is at epoch {theirs}, this relay at {ours}: another relay leads. If it belongs to another \
        deployment, configure a separate REDIS_PREFIX for each"
    )]
    Overtaken { ours: u64, theirs: u64 },
}

/// Why a binding to Redis ended.
enum Broken {
    /// Begin a new binding, with a new epoch.
    Rebind(LogError),
    /// Stop leading.
    StepDown(Fall),
}

impl Relay {
    /// A relay. Opens no connection.
    pub fn new(database: &DatabaseConfig, redis: &Redis, metrics: RelayMetrics, pace: Pace) -> Self {
        let keys = RedisKeys::new(&redis.prefix);
        Self { database: database.clone(), redis: redis.clone(), keys, metrics, pace }
    }

    /// Leads whenever no other relay does, until `stop`; then publishes the remaining rows and ends.
    pub async fn run(&self, stop: Stop) {
        let mut falls = Falls::default();
        loop {
            let fall = tokio::select! {
                biased;
                () = stop.clone() => return,
                post = self.await_post() => match post {
                    Ok(post) => self.reign(&post, &stop, &mut falls).await,
                    Err(fall) => Err(fall),
                },
            };
            self.metrics.leading.set(0);
            let Err(fall) = fall else { return };
            let rest = falls.rest_after_fall(&fall, &self.pace);
            let _stopped_or_rested = timeout(rest, stop.clone()).await;
        }
    }

    async fn await_post(&self) -> Result<Post, Fall> {
        let post = Post::connect(&self.database).await?;
        while !post.try_lock().await? {
            sleep(self.pace.follow).await;
        }
        Ok(post)
    }

    /// Binds to Redis again and again, until `stop` (then `Ok`) or until it must stop leading.
    async fn reign(&self, post: &Post, stop: &Stop, falls: &mut Falls) -> Result<(), Fall> {
        loop {
            let log = Log::connect(&self.redis, &self.keys).await.map_err(Fall::Redis)?;
            let bound = self.fill(post, log).await?;
            match self.serve(post, bound, stop).await {
                Ok(()) => return Ok(()),
                Err(Broken::StepDown(fall)) => return Err(fall),
                Err(Broken::Rebind(reason)) => {
                    let rest = falls.rest_before_rebinding(&reason, &self.pace);
                    let _stopped_or_rested = timeout(rest, stop.clone()).await;
                }
            }
        }
    }

    /// Takes a new epoch and writes all unexpired rows under it, marked or not; `meta` last.
    ///
    /// A Redis error here gives up the leadership instead of binding again, so that a Redis that fails every
    /// time is tried at the pace of [`Pace::rest`], and by any replica that can reach it.
    ///
    /// A row that is committed between two pages, with an identifier already passed, is unmarked: the first
    /// look after the filling publishes it. The role map is read after all rows, for the reason given at
    /// [`Self::publish`].
    async fn fill(&self, post: &Post, mut log: Log) -> Result<Bound, Fall> {
        let epoch = post.new_epoch(log.highest_epoch().await.map_err(Fall::Redis)?).await?;
        let at = LogPosition { epoch, seq: 0 };
        let mut bound = Bound { log, at, floor: 0, needed: Needed::default(), roles: 0 };
        bound.log.clear(epoch).await.map_err(|error| overtaken(epoch, error))?;
        let mut reached = 0;
        loop {
            let rows = post.unexpired(reached, self.pace.batch).await?;
            let Some(last) = rows.last() else { break };
            reached = last.id;
            let before = bound.at;
            bound.load(&records(&rows)).await.map_err(|error| overtaken(epoch, error))?;
            post.mark(before, &rows).await?;
        }
        let roles = post.role_map(epoch).await?;
        bound.log.open(bound.at, &roles).await.map_err(|error| overtaken(epoch, error))?;
        bound.roles = roles.version;
        self.metrics.role_map_version.set(roles.version);
        self.metrics.leading.set(1);
        self.metrics.epoch.set(epoch);
        self.metrics.epochs.inc();
        tracing::info!(epoch, records = bound.at.seq, "Relaying revocations.");
        Ok(bound)
    }

    /// Live: publishes after every commit, until `stop` or an error.
    async fn serve(&self, post: &Post, mut bound: Bound, stop: &Stop) -> Result<(), Broken> {
        let (mut trimmed, mut sweeping) = (Instant::now(), true);
        loop {
            self.publish(post, &mut bound).await?;
            if trimmed.elapsed() >= self.pace.trim_every {
                self.trim(post, &mut bound).await?;
                (trimmed, sweeping) = (Instant::now(), true);
            }
            sweeping = sweeping && self.sweep(post).await;
            tokio::select! {
                () = stop.clone() => return self.publish(post, &mut bound).await,
                _heard_or_tick = timeout(self.pace.tick, post.heard()) => {}
            }
        }
    }

    /// Publishes the unpublished rows, and marks exactly those. Without any it still checks that Redis is as
    /// this relay left it.
    ///
    /// The role map is read after the rows and written before them: tokens refreshed because of these rows
    /// never meet an older map.
    async fn publish(&self, post: &Post, bound: &mut Bound) -> Result<(), Broken> {
        loop {
            let (rows, version) = post.unpublished(self.pace.batch).await.map_err(fallen)?;
            self.publish_roles(post, bound, version).await?;
            let before = bound.at;
            let traces = Traces::begin(&rows, before);
            let appended = bound.append(&records(&rows), &traces).await;
            traces.end(&appended);
            appended.map_err(|error| broken(before.epoch, error))?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in &rows {
                self.metrics.publish_seconds.observe(row.waited_seconds);
            }
            self.metrics.published.inc_by(bound.at.seq - before.seq);
            post.mark(before, &rows).await.map_err(fallen)?;
        }
    }

    /// Writes the role map if its version differs from the one in Redis.
    async fn publish_roles(&self, post: &Post, bound: &mut Bound, version: u64) -> Result<(), Broken> {
        if version == bound.roles {
            return Ok(());
        }
        let roles = post.role_map(bound.at.epoch).await.map_err(fallen)?;
        bound.log.write_roles(&roles).await.map_err(|error| broken(roles.epoch, error))?;
        bound.roles = roles.version;
        self.metrics.role_map_version.set(roles.version);
        tracing::info!(version = roles.version, roles = roles.map.len(), "Published the role map.");
        Ok(())
    }
}

impl Bound {
    /// While filling.
    async fn load(&mut self, records: &[Record]) -> Result<(), LogError> {
        self.log.load(self.at, records).await?;
        self.advance(records);
        Ok(())
    }

    /// While live.
    async fn append(&mut self, records: &[Record], traces: &Traces) -> Result<(), LogError> {
        self.log.append(self.at, records, self.roles, traces).await?;
        self.advance(records);
        Ok(())
    }

    fn advance(&mut self, records: &[Record]) {
        self.needed.note(self.at, records);
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.at.seq = self.at.seq.saturating_add(count);
    }
}

fn records(rows: &[Row]) -> Vec<Record> {
    rows.iter().map(|row| row.record).collect()
}

fn fallen(error: DbError) -> Broken {
    Broken::StepDown(Fall::Database(error))
}

/// While filling: every error ends the leadership, a higher epoch with a reason of its own.
fn overtaken(ours: u64, error: LogError) -> Fall {
    match error {
        LogError::OtherEpoch(Some(theirs)) if theirs > ours => Fall::Overtaken { ours, theirs },
        error => Fall::Redis(error),
    }
}

/// While live: only a higher epoch ends the leadership.
fn broken(ours: u64, error: LogError) -> Broken {
    match overtaken(ours, error) {
        Fall::Redis(error) => Broken::Rebind(error),
        fall => Broken::StepDown(fall),
    }
}
