//! PostgreSQL: the pool, transactions with a limited life, and errors.
//!
//! No SQL here: each feature has its own in its `store.rs`.

mod clock;
mod conditions;
mod dedicated;
mod error;
mod migrations;
mod responsiveness;
mod traced;
mod waiting;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::{DatabaseConfig, PATIENCE};

use responsiveness::Responsiveness;
use waiting::counted;

pub(crate) use clock::now;
pub(crate) use conditions::Conditions;
pub use dedicated::Dedicated;
pub use error::{DbError, within};
pub use migrations::{MigrateError, Schema, migrate};
pub use traced::{Prepared, Sql, SqlClient, Values};
pub(crate) use waiting::{StoreLimits, WaitedTooLong};

/// The longest age at which a transaction may commit.
///
/// A revocation's record is kept until the last token that it revokes has expired, computed from the moment
/// it was written. A transaction that commits late would shorten that time.
pub const TRANSACTION_LIFE: Duration = Duration::from_secs(60);

/// Settings of every new connection. Statements and idle transactions time out well before
/// [`TRANSACTION_LIFE`], so that a client that disappeared holds no lock.
const SESSION_SETTINGS: &str = "-c default_transaction_isolation=read\\ committed \
     -c statement_timeout=10s -c idle_in_transaction_session_timeout=10s -c timezone=UTC";

/// How long a request waits for a free connection; the rest of [`PATIENCE`] is for opening one.
const WAIT: Duration = Duration::from_secs(1);

/// One in so many connections is set aside for requests that take rights away, such as sign-outs; at least one.
const SET_ASIDE: usize = 8;

const NOT_DROPPED: &str = "only dropping takes it away";

/// The pool of connections to PostgreSQL. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    /// The connections that requests may use which do not take rights away.
    shared: Arc<Semaphore>,
    responsiveness: Responsiveness,
    tls: MakeRustlsConnect,
}

/// A connection from the pool.
///
/// Dereferences to [`deadpool_postgres::Client`] for single statements, each its own transaction.
pub struct Connection {
    /// `None` only while it is dropped.
    object: Option<deadpool_postgres::Object>,
    tls: MakeRustlsConnect,
    /// Its place among the shared ones. Dropped after the object was returned.
    _shared: Option<OwnedSemaphorePermit>,
}

/// A READ COMMITTED transaction that refuses to commit when it is older than [`TRANSACTION_LIFE`].
///
/// Dereferences to [`deadpool_postgres::Transaction`]. Rolls back when dropped without [`Self::commit`].
pub struct Transaction<'c> {
    inner: deadpool_postgres::Transaction<'c>,
    begun: Instant,
}

impl Db {
    /// A pool that connects on first use. Opens nothing.
    pub fn new(config: &DatabaseConfig) -> Self {
        let mut server = config.server.clone();
        server.options(config.options_with(SESSION_SETTINGS));
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let timeouts = Timeouts { wait: Some(WAIT), create: Some(PATIENCE), recycle: Some(PATIENCE) };
        let responsiveness = Responsiveness::new();
        let known = responsiveness.clone();
        let is_good = Hook::sync_fn(move |_client, metrics| match known.is_suspect(metrics.created) {
            true => Err(HookError::message("it was open while PostgreSQL did not respond")),
            false => Ok(()),
        });
        let pool = Pool::builder(Manager::from_config(server, config.tls.clone(), recycling))
            .max_size(config.connections)
            .timeouts(timeouts)
            // The one that was used last: it has the statements prepared and its server process has them planned.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .pre_recycle(is_good)
            .build()
            .expect("building fails only without a runtime for the timeouts, and one is set");
        let set_aside = (config.connections / SET_ASIDE).max(1);
        let shared = Arc::new(Semaphore::new(config.connections.saturating_sub(set_aside)));
        Self { pool, shared, responsiveness, tls: config.tls.clone() }
    }

    /// A connection, within [`PATIENCE`].
    ///
    /// # Errors
    ///
    /// When no connection is free in time, or PostgreSQL is unreachable; at once while it does not respond.
    pub async fn get(&self) -> Result<Connection, DbError> {
        if self.responsiveness.is_silent() {
            return Err(DbError::Silent);
        }
        let lent = within(PATIENCE, async {
            let shared = if waiting::leaves_some() { Some(self.share().await?) } else { None };
            Ok::<_, DbError>((self.pool.get().await?, shared))
        });
        let (object, shared) = counted(lent).await?;
        Ok(Connection { object: Some(object), tls: self.tls.clone(), _shared: shared })
    }
}

impl Db {
    /// Keeps asking whether PostgreSQL responds; never ends.
    pub async fn watch(&self, config: &DatabaseConfig) {
        // Connections in use are thrown away when they are returned and lent again.
        let close_idle = || drop(self.pool.retain(|_, _| false));
        self.responsiveness.watch(config, close_idle).await;
    }

    /// The result of `work`, unless it waits longer than its limit for PostgreSQL, or waits when PostgreSQL becomes silent.
    ///
    /// # Errors
    ///
    /// Then `work` is dropped, and the connections that it held are closed.
    pub(crate) async fn limited<T>(
        &self,
        limits: StoreLimits,
        work: impl Future<Output = T>,
    ) -> Result<T, WaitedTooLong> {
        waiting::limited(&self.responsiveness, limits, work).await
    }
}

impl Db {
    /// A place among the connections that are not set aside.
    async fn share(&self) -> Result<OwnedSemaphorePermit, DbError> {
        let place = tokio::time::timeout(WAIT, Arc::clone(&self.shared).acquire_owned()).await;
        // The semaphore is never closed.
        place.ok().and_then(Result::ok).ok_or(DbError::Busy)
    }
}

/// The current state of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// Whether PostgreSQL does not respond, although it accepts connections.
    pub is_silent: bool,
    /// Connections in use.
    pub lent: usize,
    /// The highest number of connections.
    pub most: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
}

impl Db {
    /// The current state of the pool.
    pub fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        let lent = status.size.saturating_sub(status.available);
        PoolStatus {
            is_silent: self.responsiveness.is_silent(),
            lent,
            most: status.max_size,
            waiting: status.waiting,
        }
    }
}

impl Connection {
    /// Begins a transaction.
    ///
    /// # Errors
    ///
    /// When the connection is lost.
    pub async fn begin(&mut self) -> Result<Transaction<'_>, DbError> {
        let begun = Instant::now();
        let object = self.object.as_mut().expect(NOT_DROPPED);
        Ok(Transaction { inner: counted(object.transaction()).await?, begun })
    }
}

impl Deref for Connection {
    type Target = deadpool_postgres::Client;

    fn deref(&self) -> &Self::Target {
        self.object.as_ref().expect(NOT_DROPPED)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(object) = self.object.take().filter(|_| waiting::is_given_up()) else { return };
        // It may still be at work, for which the next borrower would wait.
        let client = deadpool_postgres::Object::take(object);
        let (cancel, tls) = (client.cancel_token(), self.tls.clone());
        drop(client);
        // Not if the process ends: then PostgreSQL ends the statement after its timeout.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(PATIENCE, async move { cancel.cancel_query(tls).await }));
        }
    }
}

impl<'c> Transaction<'c> {
    /// Commits.
    ///
    /// # Errors
    ///
    /// When the transaction is older than [`TRANSACTION_LIFE`] (it is rolled back), or the connection was
    /// lost: then it is unknown whether it was committed.
    pub async fn commit(self) -> Result<(), DbError> {
        if self.begun.elapsed() > TRANSACTION_LIFE {
            self.rollback().await?;
            return Err(DbError::TooOld);
        }
        Ok(counted(self.inner.commit()).await?)
    }

    /// Rolls back. Dropping does the same, but does not wait for it.
    ///
    /// # Errors
    ///
    /// When the connection is lost, which also rolls back.
    pub async fn rollback(self) -> Result<(), DbError> {
        Ok(counted(self.inner.rollback()).await?)
    }
}

impl<'c> Deref for Transaction<'c> {
    type Target = deadpool_postgres::Transaction<'c>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}
