//! A relay alone, without the service around it, on stores of its own.

use std::time::Duration;

use admin::config::{DatabaseConfig, RedisConfig};
use admin::db::Db;
use admin::metrics::RelayMetrics;
use admin::revocations::{self, NewRevocation, Pace, Relay};
use admin::server::stop_when;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::{ISSUER, RevocationLog, TestDatabase, store_url, until};

/// A database and a log that relays meet at.
pub(super) struct Stores {
    /// The truth.
    pub(super) database: TestDatabase,
    /// Where it goes.
    pub(super) log: RevocationLog,
    /// The prefix of the log.
    pub(super) prefix: String,
    /// A pool, for recording.
    pub(super) db: Db,
}

/// A relay that runs until it is dropped or stopped.
pub(super) struct Running {
    /// What it counts.
    pub(super) metrics: RelayMetrics,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Like the real one, but without long rests.
pub(super) fn brisk() -> Pace {
    let short = Duration::from_millis(20);
    Pace { tick: short, follow: short, rest: short, longest_rest: short, yielding: short, ..Pace::default() }
}

impl Stores {
    /// Fresh ones.
    pub(super) async fn new() -> Self {
        let database = TestDatabase::migrated().await;
        let prefix = format!("test:{}:", Uuid::now_v7().simple());
        let db = Db::new(&database.config());
        Self { log: RevocationLog::new(&prefix), prefix, db, database }
    }

    /// A brisk relay on them.
    pub(super) fn relay(&self) -> Running {
        self.relay_with(brisk())
    }

    /// A relay of any pace on them.
    pub(super) fn relay_with(&self, pace: Pace) -> Running {
        self.relay_through(&self.database.url, &store_url("TEST_REDIS_URL"), pace)
    }

    /// A relay that reaches them by other addresses.
    pub(super) fn relay_through(&self, database: &str, redis: &str, pace: Pace) -> Running {
        let vars = std::collections::HashMap::from([
            ("DATABASE_URL", database.to_owned()),
            ("REDIS_URL", redis.to_owned()),
            ("REDIS_PREFIX", self.prefix.clone()),
        ]);
        let database = DatabaseConfig::from_vars(&vars).expect("the URL is good");
        let redis = RedisConfig::from_vars(&vars).expect("the URL is good");
        let metrics = RelayMetrics::default();
        let relay = Relay::new(&database, &redis, metrics.clone(), pace).expect("the address is good");
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move { relay.run(stop_when(async { drop(stopped.await) })).await });
        Running { metrics, stop: Some(stop), task }
    }

    /// Commits revocations.
    pub(super) async fn record(&self, revocations: &[NewRevocation]) {
        let mut connection = self.db.get().await.expect("a connection");
        let transaction = connection.begin().await.expect("a transaction");
        revocations::record(&transaction, ISSUER, revocations).await.expect("it is recorded");
        transaction.commit().await.expect("it is committed");
    }

    /// Commits the revocation of `count` sessions, one a transaction.
    pub(super) async fn end_sessions(&self, count: usize) {
        for _ in 0..count {
            self.record(&[NewRevocation::session(Uuid::now_v7())]).await;
        }
    }

    /// A direct connection.
    pub(super) async fn sql(&self) -> tokio_postgres::Client {
        crate::support::connect(&self.database.url).await
    }

    /// Commits the revocation of `count` sessions whose tokens end in a second.
    pub(super) async fn end_sessions_shortly(&self, count: u8) {
        let insert = "insert into auth.revocations (kind, reason, key, arg, until)
                      values (2, 1, $1, 0, clock_timestamp() + interval '1 second')";
        let sql = self.sql().await;
        for byte in 0..count {
            sql.execute(insert, &[&vec![byte; 16]]).await.expect("it is recorded");
        }
    }

    /// Waits until every row is marked as published.
    pub(super) async fn await_marks(&self) {
        let sql = self.sql().await;
        let open = "select 1 from auth.revocations where published_epoch is null limit 1";
        until("every row is marked", async || {
            sql.query_opt(open, &[]).await.expect("an answer").is_none().then_some(())
        })
        .await;
    }

    /// Ends the PostgreSQL sessions of the leading relay and says how many those were.
    pub(super) async fn terminate_leader(&self) -> usize {
        let terminate = "select pg_terminate_backend(pid) from pg_locks
                         where locktype = 'advisory' and granted
                           and database = (select oid from pg_database where datname = current_database())";
        self.sql().await.query(terminate, &[]).await.expect("it may").len()
    }
}

impl Running {
    /// Whether it leads.
    pub(super) fn is_leading(&self) -> bool {
        self.metrics.leading.get() == 1
    }

    /// Asks it to stop and waits for the end.
    pub(super) async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.task).await.expect("it does not panic");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
