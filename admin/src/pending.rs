//! Short-lived state in Redis: sign-ins that continue elsewhere.
//!
//! Each entry is found by a secret that a client holds, is stored under the secret's hash, and can be taken
//! once. Redis may lose all entries; clients then start again.

use std::fmt::Write as _;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use runtime::redis::Redis;
use runtime::telemetry::TRACE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use tracing::{Instrument as _, Span};

use crate::api::{Code, Problem};

/// How long Redis may take to respond, or to be connected to.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most entries of one kind within its lifetime. Anyone may begin a sign-in, and each entry takes up to a
/// kilobyte of the Redis that carries the revocations.
const MOST: u64 = 100_000;

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Pending {
    redis: Redis,
    connection: std::sync::Arc<OnceCell<ConnectionManager>>,
}

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A user was sent to a provider.
    State,
    /// A user came back from a provider, and a page is about to fetch the tokens.
    Code,
    /// A user came back from a provider, and must confirm ownership of an existing account.
    Flow,
}

/// Why an entry was not stored or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PendingError {
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    #[error("cannot serialise the entry: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error("more than {MOST} entries of this kind are stored")]
    Full,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Code => "code",
            Self::Flow => "flow",
        }
    }

    /// Its lifetime.
    pub(crate) fn life(self) -> Duration {
        match self {
            Self::State | Self::Flow => Duration::from_mins(10),
            Self::Code => Duration::from_mins(1),
        }
    }
}

impl Pending {
    /// A store in the Redis of `config`. Opens no connection.
    pub fn new(config: &Redis) -> Self {
        Self { redis: config.clone(), connection: std::sync::Arc::default() }
    }

    /// Stores `value` for the holder of `secret`.
    ///
    /// # Errors
    ///
    /// When Redis is unavailable.
    pub(crate) async fn put(
        &self,
        kind: Kind,
        secret: &str,
        value: &impl Serialize,
    ) -> Result<(), PendingError> {
        let text = serde_json::to_string(value)?;
        let (count, life) = (format!("{}oauth:{}s", self.redis.prefix, kind.word()), kind.life().as_secs());
        let mut connection = self.connection().await?;
        let mut counting = redis::pipe();
        counting.atomic().cmd("INCR").arg(&count).cmd("EXPIRE").arg(&count).arg(life).arg("NX").ignore();
        let (so_many,): (u64,) = counting.query_async(&mut connection).instrument(span("INCR")).await?;
        if so_many > MOST {
            return Err(PendingError::Full);
        }
        let mut put = redis::cmd("SET");
        put.arg(self.key(kind, secret)).arg(text).arg("EX").arg(life);
        Ok(put.query_async::<()>(&mut connection).instrument(span("SET")).await?)
    }

    /// Takes the entry for the holder of `secret`: it cannot be taken twice. An entry in the format of
    /// another version counts as missing.
    ///
    /// # Errors
    ///
    /// When Redis is unavailable.
    pub(crate) async fn take<T: DeserializeOwned>(
        &self,
        kind: Kind,
        secret: &str,
    ) -> Result<Option<T>, PendingError> {
        let mut take = redis::cmd("GETDEL");
        take.arg(self.key(kind, secret));
        let mut connection = self.connection().await?;
        let text: Option<String> = take.query_async(&mut connection).instrument(span("GETDEL")).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    fn key(&self, kind: Kind, secret: &str) -> String {
        format!("{}oauth:{}:{}", self.redis.prefix, kind.word(), fingerprint(secret))
    }

    /// One connection for all, except with sentinels: there it may lead to a demoted master, and entries are
    /// so few that each may query the sentinels.
    async fn connection(&self) -> Result<ConnectionManager, redis::RedisError> {
        if self.redis.has_sentinels() {
            return manager(&self.redis).await;
        }
        self.connection.get_or_try_init(|| manager(&self.redis)).await.cloned()
    }
}

/// A connection that is made on first use, and again after it is lost.
async fn manager(redis: &Redis) -> Result<ConnectionManager, redis::RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
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

/// The hash of a secret in hexadecimal: the key of its entry, which does not reveal it.
pub(crate) fn fingerprint(secret: &str) -> String {
    let mut text = String::new();
    for byte in digest(&SHA256, secret.as_bytes()).as_ref() {
        let _always_succeeds = write!(text, "{byte:02x}");
    }
    text
}

impl From<PendingError> for Problem {
    fn from(error: PendingError) -> Self {
        match error {
            PendingError::Redis(error) => {
                tracing::warn!(%error, "Request failed: Redis did not respond in time.");
                Self::new(Code::DependencyUnavailable)
            }
            PendingError::Full => {
                tracing::warn!(%error, "Request refused: too many provider sign-ins are in progress.");
                Self::new(Code::Overloaded)
            }
            PendingError::Unwritable(error) => {
                tracing::error!(%error, "Request failed: cannot serialise an entry for Redis.");
                Self::new(Code::Internal)
            }
        }
    }
}
