//! The relay's leadership in PostgreSQL: one dedicated connection that holds the lock and runs all
//! statements.

use std::time::Duration;

use futures_util::future::join;
use shared::revocation::LogPosition;
use shared::role_map::PublishedRoleMap;

use crate::config::DatabaseConfig;
use crate::db::{DbError, Dedicated, within};
use crate::revocations::handover::{self, Handover};
use crate::revocations::store::{self, NextTurn, RevocationRow, TakenEpoch, TransactionId};

/// How long PostgreSQL may take for one statement. After that the leadership is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// The application name in `pg_stat_activity`.
const NAME: &str = "usher relay";

/// A leader that is suspended or cut off loses the lock in little more than a second, so that its successor can certify
/// before sidecars are stale: it runs a statement every tick, and PostgreSQL ends a session that is idle for longer.
/// Keep-alives detect a dead peer. The plans are fixed because the
/// statistics of this table are always outdated, and a full scan would be too slow; JIT compilation is off
/// because the outdated estimates would trigger it without need.
const SETTINGS: &str = "-c statement_timeout=5s -c idle_session_timeout=1s \
     -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=2 \
     -c tcp_user_timeout=10s -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off \
     -c timezone=UTC";

/// The connection and its prepared statements. Dropping it releases the lock.
pub(super) struct Lease {
    connection: Dedicated,
    statements: store::Statements,
}

impl Lease {
    pub(super) async fn connect(config: &DatabaseConfig) -> Result<Self, DbError> {
        let connection = in_time(Dedicated::connect(config, NAME, SETTINGS, Some(store::CHANNEL))).await?;
        let statements = in_time(store::Statements::prepare(connection.client())).await?;
        Ok(Self { connection, statements })
    }

    /// Tries to take the lock; never waits for it, because a waiting statement would hold back vacuum.
    pub(super) async fn try_lock(&self) -> Result<bool, DbError> {
        in_time(store::try_lock(self.connection.client())).await
    }

    /// One more than the greater of PostgreSQL's epoch and `in_redis`, with a new history.
    pub(super) async fn new_epoch(&self, in_redis: u64) -> Result<TakenEpoch, DbError> {
        in_time(store::new_epoch(self.connection.client(), in_redis)).await
    }

    /// What the previous leader left, and the number of a heartbeat. The leader that takes it is the last one to do so.
    pub(super) async fn take_handover(&self) -> Result<Option<(Handover, u64)>, DbError> {
        in_time(handover::take(self.connection.client())).await
    }

    /// Leaves an epoch to the next leader. This session has the lock as long as it can run a statement.
    pub(super) async fn leave(&self, left: &Handover) -> Result<(), DbError> {
        in_time(handover::leave(self.connection.client(), left)).await
    }

    /// Unpublished and unexpired rows of transactions from `since` on: the newest, at most `limit`, in the order of their
    /// writing; and what is read after them. Both statements are sent at once and answered in this order: a second round
    /// trip would delay every sign-out.
    pub(super) async fn unpublished(
        &self,
        since: TransactionId,
        limit: i64,
    ) -> Result<(Vec<RevocationRow>, NextTurn), DbError> {
        let client = self.connection.client();
        let rows = self.statements.unpublished(client, since, limit);
        // The first future is polled first, and therefore sent first.
        let both = join(rows, self.statements.next_turn(client));
        in_time(async {
            let (rows, next) = both.await;
            Ok((rows?, next?))
        })
        .await
    }

    /// Unexpired rows that were published in another epoch than `epoch`, after the identifier `after`, at most `limit`,
    /// in order.
    pub(super) async fn published_earlier(
        &self,
        epoch: u64,
        after: i64,
        limit: i64,
    ) -> Result<Vec<RevocationRow>, DbError> {
        in_time(self.statements.published_earlier(self.connection.client(), epoch, after, limit)).await
    }

    /// Marks `rows` as published; in the log they directly follow `at`.
    pub(super) async fn mark(&self, at: LogPosition, rows: &[RevocationRow]) -> Result<(), DbError> {
        in_time(self.statements.mark(self.connection.client(), at, rows)).await
    }

    /// The role map and its version, read together, for publication in `epoch`.
    pub(super) async fn role_map(&self, epoch: u64) -> Result<PublishedRoleMap, DbError> {
        let (version, map) = in_time(self.statements.role_map(self.connection.client())).await?;
        Ok(PublishedRoleMap { epoch, version, map })
    }

    /// Seconds since the Unix epoch, by the clock that computed every record's end.
    pub(super) async fn now(&self) -> Result<u64, DbError> {
        in_time(store::now(self.connection.client())).await
    }

    /// Deletes at most `limit` of the rows that ended more than `keep` ago, and returns their number.
    /// Sessions and users hold the lasting state; keeping this table no longer than the log keeps every query
    /// fast.
    pub(super) async fn sweep(&self, keep: Duration, limit: u64) -> Result<u64, DbError> {
        in_time(store::delete_ended(self.connection.client(), keep, limit)).await
    }

    /// Returns when a revocation was committed, or the connection is lost.
    pub(super) async fn notified(&self) {
        self.connection.notified().await;
    }
}

async fn in_time<T>(asked: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    within(PATIENCE, asked).await
}
