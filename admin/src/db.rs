//! PostgreSQL: the pool, transactions with a limited life, and errors.
//!
//! No SQL here: each feature has its own in its `store.rs`.

mod clock;
mod dedicated;
mod error;
mod migrations;
mod traced;

use std::ops::Deref;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio::time::Instant;

use crate::config::{DatabaseConfig, PATIENCE};

pub(crate) use clock::now;
pub use dedicated::Dedicated;
pub use error::DbError;
pub use migrations::{MigrateError, Schema, migrate};
pub use traced::{Prepared, Sql, SqlClient, Values};

/// The longest age at which a transaction may commit.
///
/// A revocation's record is kept until the last token that it revokes has expired, computed from the moment
/// it was written. A transaction that commits late would shorten that time.
pub const TRANSACTION_LIFE: Duration = Duration::from_secs(60);

/// Settings of every new connection. Statements and idle transactions time out well before
/// [`TRANSACTION_LIFE`], so that a client that disappeared holds no lock.
const SESSION_SETTINGS: &str = "-c default_transaction_isolation=read\\ committed \
     -c statement_timeout=10s -c idle_in_transaction_session_timeout=10s -c timezone=UTC";

/// The pool of connections to PostgreSQL. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
}

/// A connection from the pool.
///
/// Dereferences to [`deadpool_postgres::Client`] for single statements, each its own transaction.
pub struct Connection {
    object: deadpool_postgres::Object,
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
        server.options(with_settings(server.get_options(), SESSION_SETTINGS));
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let timeouts = Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) };
        let pool = Pool::builder(Manager::from_config(server, config.tls.clone(), recycling))
            .max_size(config.connections)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .expect("building fails only without a runtime for the timeouts, and one is set");
        Self { pool }
    }

    /// A connection, within twice [`PATIENCE`].
    ///
    /// # Errors
    ///
    /// When no connection is free in time, or PostgreSQL is unreachable.
    pub async fn get(&self) -> Result<Connection, DbError> {
        Ok(Connection { object: self.pool.get().await? })
    }
}

/// The current state of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
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
    /// lost: then it is unknown whether it was committed.
    pub async fn commit(self) -> Result<(), DbError> {
        if self.begun.elapsed() > TRANSACTION_LIFE {
            self.inner.rollback().await?;
            return Err(DbError::TooOld);
        }
        Ok(self.inner.commit().await?)
    }

    /// Rolls back. Dropping does the same, but does not wait for it.
    ///
    /// # Errors
    ///
    /// When the connection is lost, which also rolls back.
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

/// The result of `asked`, unless it takes longer than `limit`.
///
/// PostgreSQL itself enforces the statement timeout, which does not help against a server that sends nothing.
///
/// # Errors
///
/// [`DbError::Silent`] after `limit`, else the errors of `asked`.
pub async fn within<T, E: From<DbError>>(
    limit: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(limit, asked).await.unwrap_or_else(|_elapsed| Err(DbError::Silent.into()))
}

/// The operator's connection options, followed by those of this service.
pub(crate) fn with_settings(own: Option<&str>, ours: &str) -> String {
    match own {
        Some(own) => format!("{own} {ours}"),
        None => ours.to_owned(),
    }
}
