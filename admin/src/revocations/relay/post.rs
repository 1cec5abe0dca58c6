//! The relay's place in PostgreSQL: one dedicated connection that holds the lock and does everything.

use std::time::Duration;

use futures_util::future::join;
use shared::revocation::Position;
use shared::role_map::PublishedRoleMap;

use crate::config::DatabaseConfig;
use crate::db::{DbError, Dedicated, within};
use crate::revocations::store::{self, Row};

/// How long PostgreSQL may take over one statement. Beyond that the post is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `pg_stat_activity` calls it.
const NAME: &str = "usher relay";

/// A leader that is paused or cut off loses the lock within ten seconds: it says something every tick, so
/// silence ends its session, and a dead peer is found out by keep-alives. The plans are fixed because the
/// statistics of this table are always out of date, and a scan of all of it would be late; and what looks
/// expensive by them is not worth compiling.
const SETTINGS: &str = "-c statement_timeout=5s -c idle_session_timeout=10s \
     -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=2 \
     -c tcp_user_timeout=10s -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off \
     -c timezone=UTC";

/// The connection, and what is asked over it. Dropping it releases the lock.
pub(super) struct Post {
    connection: Dedicated,
    statements: store::Statements,
}

impl Post {
    pub(super) async fn connect(config: &DatabaseConfig) -> Result<Self, DbError> {
        let connection = in_time(Dedicated::connect(config, NAME, SETTINGS, store::CHANNEL)).await?;
        let statements = in_time(store::Statements::prepare(connection.client())).await?;
        Ok(Self { connection, statements })
    }

    /// Asks for the lock; never waits for it, because a waiting statement would hold back the vacuum.
    pub(super) async fn try_lock(&self) -> Result<bool, DbError> {
        in_time(store::try_lock(self.connection.client())).await
    }

    /// One more than the greater of PostgreSQL's epoch and `in_redis`.
    pub(super) async fn new_epoch(&self, in_redis: u64) -> Result<u64, DbError> {
        in_time(store::new_epoch(self.connection.client(), in_redis)).await
    }

    /// Rows that no relay has published and that have not ended, at most `limit`, in order; and, looked at after
    /// them, the version of the role map. Both are asked for at once and answered in this order: a second trip would
    /// make every sign-out later.
    pub(super) async fn unpublished(&self, limit: i64) -> Result<(Vec<Row>, u64), DbError> {
        let client = self.connection.client();
        let rows = self.statements.unpublished(client, limit);
        // The first is polled first, and so sent first.
        let both = join(rows, self.statements.role_map_version(client));
        in_time(async {
            let (rows, version) = both.await;
            Ok((rows?, version?))
        })
        .await
    }

    /// Rows that have not ended, published or not, after the identifier `after`, at most `limit`, in order.
    pub(super) async fn unexpired(&self, after: i64, limit: i64) -> Result<Vec<Row>, DbError> {
        in_time(self.statements.unexpired(self.connection.client(), after, limit)).await
    }

    /// Marks `rows`, which stand in the log one by one after `at`, as published there, unless they are marked.
    pub(super) async fn mark(&self, at: Position, rows: &[Row]) -> Result<(), DbError> {
        in_time(self.statements.mark(self.connection.client(), at, rows)).await
    }

    /// The role map with its version, both of one moment, to be published in `epoch`.
    pub(super) async fn role_map(&self, epoch: u64) -> Result<PublishedRoleMap, DbError> {
        let (version, map) = in_time(self.statements.role_map(self.connection.client())).await?;
        Ok(PublishedRoleMap { epoch, version, map })
    }

    /// Seconds since the Unix epoch, by the clock that wrote every record's end.
    pub(super) async fn now(&self) -> Result<u64, DbError> {
        in_time(store::now(self.connection.client())).await
    }

    /// Deletes at most `limit` of the rows that ended more than `keep` ago, and says how many. What made them
    /// stands elsewhere, in sessions and users; a table no longer than the log keeps every look at it short.
    pub(super) async fn sweep(&self, keep: Duration, limit: u64) -> Result<u64, DbError> {
        in_time(store::delete_ended(self.connection.client(), keep, limit)).await
    }

    /// Ends when a revocation was committed, or the connection is lost.
    pub(super) async fn heard(&self) {
        self.connection.heard().await;
    }
}

async fn in_time<T>(asked: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    within(PATIENCE, asked).await
}
