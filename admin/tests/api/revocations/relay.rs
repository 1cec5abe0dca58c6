//! A relay alone, without the service around it, on stores of its own.

use std::time::Duration;

use admin::config::DatabaseConfig;
use admin::db::Db;
use admin::metrics::RelayMetrics;
use admin::revocations::{self, NewRevocation, Relay, RelayTiming};
use admin::stop::stop_when;
use shared::revocation::LogKeys;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{ISSUER, RevocationLog, TestDatabase, new_id, store_url, until};

/// A database and a log shared by relays.
pub(super) struct Stores {
    /// The source of the records.
    pub(super) database: TestDatabase,
    /// Their destination.
    pub(super) log: RevocationLog,
    /// The prefix of the log.
    pub(super) prefix: String,
    /// A pool, for recording.
    pub(super) db: Db,
}

/// A relay that runs until it is dropped or stopped.
pub(super) struct Running {
    /// Its metrics.
    pub(super) metrics: RelayMetrics,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// A filling that pauses before it marks a page.
pub(super) struct Held {
    holder: tokio_postgres::Client,
}

/// Like the default one, but with short pauses.
pub(super) fn brisk() -> RelayTiming {
    let short = Duration::from_millis(20);
    RelayTiming {
        tick: short,
        follow: short,
        rest: short,
        longest_rest: short,
        yielding: short,
        ..RelayTiming::default()
    }
}

impl Stores {
    /// New stores.
    pub(super) async fn new() -> Self {
        let database = TestDatabase::migrated().await;
        let prefix = format!("test:{}:", new_id().simple());
        let db = Db::new(&database.config());
        Self { log: RevocationLog::new(&prefix), prefix, db, database }
    }

    /// A fast relay on these stores.
    pub(super) fn relay(&self) -> Running {
        self.relay_with(brisk())
    }

    /// A relay with any timing on these stores.
    pub(super) fn relay_with(&self, timing: RelayTiming) -> Running {
        self.relay_through(&self.database.url, &store_url("TEST_REDIS_URL"), timing)
    }

    /// A relay that reaches the stores by other addresses.
    pub(super) fn relay_through(&self, database: &str, redis: &str, timing: RelayTiming) -> Running {
        let vars = std::collections::HashMap::from([
            ("DATABASE_URL", database.to_owned()),
            ("REDIS_URL", redis.to_owned()),
            ("REDIS_PREFIX", self.prefix.clone()),
        ]);
        let database = DatabaseConfig::from_vars(&vars).expect("the URL is good");
        let redis = runtime::redis::Redis::from_vars(&vars).expect("the URL is good");
        let metrics = RelayMetrics::default();
        let relay = Relay::new(&database, &redis, LogKeys::new([&[7; 32]]), metrics.clone(), timing);
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

    /// Commits the revocation of `count` sessions, one per transaction.
    pub(super) async fn end_sessions(&self, count: usize) {
        for _ in 0..count {
            self.record(&[NewRevocation::session(new_id())]).await;
        }
    }

    /// A direct connection.
    pub(super) async fn sql(&self) -> tokio_postgres::Client {
        crate::support::connect(&self.database.url).await
    }

    /// Commits the revocation of `count` sessions in one transaction.
    pub(super) async fn end_sessions_together(&self, count: i32) {
        let insert = "insert into auth.revocations (kind, reason, key, arg, until)
                      select 2, 1, decode(lpad(to_hex(number), 32, '0'), 'hex'), 0, now() + interval '1 hour'
                      from generate_series(1, $1) number";
        self.sql().await.execute(insert, &[&count]).await.expect("they are recorded");
    }

    /// Commits the revocation of `count` sessions whose tokens expire in a second.
    pub(super) async fn end_sessions_shortly(&self, count: u8) {
        let insert = "insert into auth.revocations (kind, reason, key, arg, until)
                      values (2, 1, $1, 0, clock_timestamp() + interval '1 second')";
        let sql = self.sql().await;
        for byte in 0..count {
            sql.execute(insert, &[&vec![byte; 16]]).await.expect("it is recorded");
        }
    }

    /// Records revocations that ended an hour ago, without notifying the relay.
    pub(super) async fn record_ended(&self, count: i32) {
        let insert = "insert into auth.revocations (kind, reason, key, arg, until)
                      select 2, 1, decode(repeat('00', 16), 'hex'), 0, now() - interval '1 hour'
                      from generate_series(1, $1)";
        self.sql().await.execute(insert, &[&count]).await.expect("it is recorded");
    }

    /// The number of ended rows.
    pub(super) async fn count_ended(&self) -> i64 {
        let ended = "select count(*) from auth.revocations where until < now()";
        self.sql().await.query_one(ended, &[]).await.expect("an answer").get(0)
    }

    /// Waits until the relay has processed every record that ended by now: a turn that deletes ended rows has
    /// trimmed before.
    pub(super) async fn await_trim(&self) {
        for _ in 0..2 {
            self.record_ended(1).await;
            until("expired records are deleted", async || (self.count_ended().await == 0).then_some(()))
                .await;
        }
    }

    /// From now on a filling pauses after it loaded the page that contains the row at two thirds.
    pub(super) async fn hold_filling(&self) -> Held {
        let holder = self.sql().await;
        let hold = "begin; select 1 from auth.revocations
                    where id = (select (max(id) * 2 / 3)::bigint from auth.revocations) for update";
        holder.batch_execute(hold).await.expect("it is locked");
        Held { holder }
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

    /// Ends the PostgreSQL sessions of the leading relay and returns their number.
    pub(super) async fn terminate_leader(&self) -> usize {
        let terminate = "select pg_terminate_backend(pid) from pg_locks
                         where locktype = 'advisory' and granted
                           and database = (select oid from pg_database where datname = current_database())";
        self.sql().await.query(terminate, &[]).await.expect("the statement succeeds").len()
    }
}

impl Held {
    /// Waits until the filling has paused.
    pub(super) async fn reached(&self, stores: &Stores) {
        let sql = stores.sql().await;
        let waiting = "select 1 from pg_stat_activity where datname = current_database()
                       and wait_event_type = 'Lock' and query like '%set published_epoch%'";
        until("the update waits for the lock", async || {
            sql.query_opt(waiting, &[]).await.expect("an answer")
        })
        .await;
    }

    /// Lets it continue.
    pub(super) async fn release(self) {
        self.holder.batch_execute("commit").await.expect("it is released");
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
