//! The connection to Redis for short-lived state. The relay of revocations has one of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{FromRedisValue, RedisError};
use runtime::redis::Redis;
use runtime::telemetry::TRACE;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

/// How long Redis may take to respond, or to be connected to.
const TIMEOUT: Duration = Duration::from_secs(1);

/// For how long the master that Sentinel named is used without asking again.
const SAME_MASTER: Duration = Duration::from_secs(10);

/// Connects on first use. Cheap to clone.
#[derive(Clone)]
pub struct RedisConnection {
    config: Redis,
    opened: Arc<Mutex<Option<OpenedConnection>>>,
}

/// A connection, and when it was opened.
struct OpenedConnection {
    manager: ConnectionManager,
    since: Instant,
}

impl RedisConnection {
    /// Connects to the Redis of `config`. Opens no connection yet.
    pub fn new(config: &Redis) -> Self {
        Self { config: config.clone(), opened: Arc::default() }
    }

    /// The prefix of every key.
    pub(crate) fn prefix(&self) -> &str {
        &self.config.prefix
    }

    /// Runs one command, which appears in traces under `name`.
    ///
    /// # Errors
    ///
    /// When Redis is unavailable.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        name: &'static str,
        command: &redis::Cmd,
    ) -> Result<T, RedisError> {
        let mut connection = self.connection().await?;
        let outcome = command.query_async(&mut connection).instrument(span(name)).await;
        self.checked(outcome)
    }

    /// One connection for all. With Sentinel it may lead to a demoted master, so the master is looked up again after a
    /// while, and after every error.
    async fn connection(&self) -> Result<ConnectionManager, RedisError> {
        if let Some(manager) = self.current() {
            return Ok(manager);
        }
        // Requests that ask at the same time ask for themselves, so that none waits for another's look-up.
        let manager = connect(&self.config).await?;
        *self.opened() = Some(OpenedConnection { manager: manager.clone(), since: Instant::now() });
        Ok(manager)
    }

    fn current(&self) -> Option<ConnectionManager> {
        let opened = self.opened();
        let current = opened.as_ref();
        let current =
            current.filter(|opened| !self.config.has_sentinels() || opened.since.elapsed() < SAME_MASTER);
        current.map(|opened| opened.manager.clone())
    }

    /// The outcome of a command. A master that was demoted answers with an error, or not at all.
    fn checked<T>(&self, outcome: Result<T, RedisError>) -> Result<T, RedisError> {
        if outcome.is_err() && self.config.has_sentinels() {
            *self.opened() = None;
        }
        outcome
    }

    fn opened(&self) -> MutexGuard<'_, Option<OpenedConnection>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is opened on first use and reopened when it is lost.
async fn connect(redis: &Redis) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(TIMEOUT))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(redis.client().await?, config)
}

/// Names follow OpenTelemetry's conventions for databases (version 1.33). Keys and values are not included.
fn span(command: &'static str) -> Span {
    tracing::info_span!(
        target: TRACE,
        "redis",
        otel.name = command,
        otel.kind = "client",
        db.system.name = "redis",
        db.operation.name = command,
    )
}
