//! PostgreSQL: the pool, the transaction that cannot grow old, and what an error means.
//!
//! SQL is not here: each feature has its own in its `store.rs`.

mod dedicated;
mod error;
mod migrations;
mod traced;

use std::ops::Deref;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio::time::Instant;

use crate::config::{DatabaseConfig, PATIENCE};

pub use dedicated::Dedicated;
pub use error::DbError;
pub use migrations::{MigrateError, Schema, migrate};
pub use traced::{Client, Prepared, Sql, Values};

/// The oldest age at which a transaction may still commit.
///
/// A revocation's record is kept until the last token it kills has ended, reckoned from the moment it was
/// written. A transaction that lingered before its commit would shorten that, so it may not linger.
pub const TRANSACTION_LIFE: Duration = Duration::from_secs(60);

/// Given to every connection when it is made. Statements and idle transactions end long before
/// [`TRANSACTION_LIFE`], so that a lock is never held by somebody who went away.
const SESSION_SETTINGS: &str = "-c default_transaction_isolation=read\\ committed \
     -c statement_timeout=10s -c idle_in_transaction_session_timeout=10s -c timezone=UTC";

/// The pool of connections to PostgreSQL. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
}

/// A connection lent by the pool.
///
/// Dereferences to [`deadpool_postgres::Client`] for single statements, each its own transaction.
pub struct Connection {
    object: deadpool_postgres::Object,
}

/// A READ COMMITTED transaction that refuses to commit when it is older than [`TRANSACTION_LIFE`].
///
/// Dereferences to [`deadpool_postgres::Transaction`]. Dropped without [`Self::commit`] it rolls back.
pub struct Transaction<'c> {
    inner: deadpool_postgres::Transaction<'c>,
    begun: Instant,
}

impl Db {
    /// A pool that connects when it is first asked. Nothing is opened here.
    pub fn new(config: &DatabaseConfig) -> Self {
        let mut server = config.server.clone();
        server.options(with_settings(server.get_options(), SESSION_SETTINGS));
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let timeouts = Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) };
        let pool = Pool::builder(Manager::from_config(server, config.tls.clone(), recycling))
            .max_size(config.connections)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .expect("building fails only without a runtime for the timeouts, and one is given");
        Self { pool }
    }

    /// A connection, within two waits of [`PATIENCE`].
    ///
    /// # Errors
    ///
    /// When none is free in time, or PostgreSQL cannot be reached.
    pub async fn get(&self) -> Result<Connection, DbError> {
        Ok(Connection { object: self.pool.get().await? })
    }
}

/// How the pool is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// Connections that are lent.
    pub lent: usize,
    /// Connections that could be lent at once.
    pub most: usize,
    /// Requests that wait for one.
    pub waiting: usize,
}

impl Db {
    /// How the pool is at the moment.
    pub fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        let lent = status.size.saturating_sub(status.available);
        PoolStatus { lent, most: status.max_size, waiting: status.waiting }
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
        Ok(Transaction { inner: self.object.transaction().await?, begun })
    }
}

impl Deref for Connection {
    type Target = deadpool_postgres::Client;

    fn deref(&self) -> &Self::Target {
        &self.object
    }
}

impl<'c> Transaction<'c> {
    /// Commits.
    ///
    /// # Errors
    ///
    /// When the transaction is older than [`TRANSACTION_LIFE`] (it is rolled back), or the connection was
    /// lost: then it is not known whether it was committed.
    pub async fn commit(self) -> Result<(), DbError> {
        if self.begun.elapsed() > TRANSACTION_LIFE {
            self.inner.rollback().await?;
            return Err(DbError::TooOld);
        }
        Ok(self.inner.commit().await?)
    }

    /// Ends it without a trace. Dropping does the same, but does not wait for it.
    ///
    /// # Errors
    ///
    /// When the connection is lost, which rolls back as well.
    pub async fn rollback(self) -> Result<(), DbError> {
        Ok(self.inner.rollback().await?)
    }
}

impl<'c> Deref for Transaction<'c> {
    type Target = deadpool_postgres::Transaction<'c>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

/// What `asked` answers, unless that takes longer than `limit`.
///
/// The limit on a statement is kept by PostgreSQL, which does not help against one that says nothing.
///
/// # Errors
///
/// [`DbError::Silent`] after `limit`, else those of `asked`.
pub async fn within<T, E: From<DbError>>(
    limit: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(limit, asked).await.unwrap_or_else(|_elapsed| Err(DbError::Silent.into()))
}

/// The operator's own connection options, and ours after them.
pub(crate) fn with_settings(own: Option<&str>, ours: &str) -> String {
    match own {
        Some(own) => format!("{own} {ours}"),
        None => ours.to_owned(),
    }
}
