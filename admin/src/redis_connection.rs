//! The connection to Redis for short-lived state. The relay of revocations has one of its own.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{FromRedisValue, RedisError};
use runtime::redis::Redis;
use runtime::telemetry::TRACE;
use tokio::sync::OnceCell;
use tracing::{Instrument as _, Span};

/// How long Redis may take to respond, or to be connected to.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Connects on first use. Cheap to clone.
#[derive(Clone)]
pub struct RedisConnection {
    config: Redis,
    manager: Arc<OnceCell<ConnectionManager>>,
}

impl RedisConnection {
    /// Connects to the Redis of `config`. Opens no connection yet.
    pub fn new(config: &Redis) -> Self {
        Self { config: config.clone(), manager: Arc::default() }
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
        command.query_async(&mut connection).instrument(span(name)).await
    }

    /// Runs several commands as one, which appear in traces under the `name` of the first.
    ///
    /// # Errors
    ///
    /// When Redis is unavailable.
    pub(crate) async fn run_all<T: FromRedisValue>(
        &self,
        name: &'static str,
        commands: &redis::Pipeline,
    ) -> Result<T, RedisError> {
        let mut connection = self.connection().await?;
        commands.query_async(&mut connection).instrument(span(name)).await
    }

    /// One connection for all, except with Sentinel: there it may lead to a demoted master, and there are so few
    /// commands that each may look up the master again.
    async fn connection(&self) -> Result<ConnectionManager, RedisError> {
        if self.config.has_sentinels() {
            return connect(&self.config).await;
        }
        self.manager.get_or_try_init(|| connect(&self.config)).await.cloned()
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
