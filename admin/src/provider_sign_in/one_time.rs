//! One-time values: state in Redis for some minutes, found by a secret that works once.
//!
//! A value is stored under the hash of its secret. Redis may lose all values: then the users start again.

use std::time::Duration;

use redis::RedisError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::secret;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::redis_connection::RedisConnection;

/// How many values of one kind are stored within its lifetime. Every client may start a sign-in, and each takes up to
/// a kilobyte of the Redis that carries the revocations.
const MAX_VALUES: u64 = 100_000;

/// The kinds of values, in the order in which a user meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A flow: a browser was sent to a provider. The secret is the OAuth `state`.
    Flow,
    /// A sign-in whose tokens the page will fetch. The secret is the one-time code.
    SignIn,
    /// A link that the user must confirm with a password. The secret is the `flow` of the problem.
    Link,
}

/// Why a value was not stored or not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum OneTimeError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("the value cannot be serialised: {0}")]
    Serialise(#[from] serde_json::Error),
    #[error("more than {MAX_VALUES} values of this kind")]
    Full,
}

impl Kind {
    /// As it appears in keys.
    fn word(self) -> &'static str {
        match self {
            Self::Flow => "state",
            Self::SignIn => "code",
            Self::Link => "flow",
        }
    }

    /// How long a value is kept.
    pub(super) fn lifetime(self) -> Duration {
        match self {
            Self::Flow | Self::Link => Duration::from_mins(10),
            Self::SignIn => Duration::from_mins(1),
        }
    }
}

/// Stores `value` and returns its new secret.
///
/// # Errors
///
/// 503 `overloaded` above the limit of values; 503 `dependency_unavailable` without Redis.
pub(super) async fn store_new(
    context: &Context,
    kind: Kind,
    value: &impl Serialize,
) -> Result<String, Problem> {
    let secret = secret::new(&*context.random)?;
    store(context, kind, &secret, value).await?;
    Ok(secret)
}

/// Stores `value` under `secret`, and counts it within a window as long as its lifetime.
///
/// # Errors
///
/// As [`store_new`].
pub(super) async fn store(
    context: &Context,
    kind: Kind,
    secret: &str,
    value: &impl Serialize,
) -> Result<(), OneTimeError> {
    let text = serde_json::to_string(value)?;
    let lifetime = kind.lifetime().as_secs();
    let counter = format!("{}oauth:{}s", context.redis.prefix(), kind.word());
    let mut count = redis::pipe();
    count.atomic().cmd("INCR").arg(&counter).cmd("EXPIRE").arg(&counter).arg(lifetime).arg("NX").ignore();
    let (count,): (u64,) = context.redis.run_all("INCR", &count).await?;
    if count > MAX_VALUES {
        return Err(OneTimeError::Full);
    }
    let mut set = redis::cmd("SET");
    set.arg(key(&context.redis, kind, secret)).arg(text).arg("EX").arg(lifetime);
    Ok(context.redis.run("SET", &set).await?)
}

/// Takes the value of `secret`: no later call gets it again. A value in the format of another version counts as
/// absent.
///
/// # Errors
///
/// 503 `dependency_unavailable` without Redis.
pub(super) async fn take<T: DeserializeOwned>(
    context: &Context,
    kind: Kind,
    secret: &str,
) -> Result<Option<T>, OneTimeError> {
    if !secret::is_well_formed(secret) {
        return Ok(None);
    }
    let mut take = redis::cmd("GETDEL");
    take.arg(key(&context.redis, kind, secret));
    let text: Option<String> = context.redis.run("GETDEL", &take).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn key(redis: &RedisConnection, kind: Kind, secret: &str) -> String {
    format!("{}oauth:{}:{}", redis.prefix(), kind.word(), secret::fingerprint(secret))
}

impl From<OneTimeError> for Problem {
    fn from(error: OneTimeError) -> Self {
        match error {
            OneTimeError::Redis(error) => {
                tracing::warn!(%error, "Request failed: Redis did not respond in time.");
                Self::new(Code::DependencyUnavailable)
            }
            OneTimeError::Full => {
                tracing::warn!("Request refused: too many sign-ins through providers are in progress.");
                Self::new(Code::Overloaded)
            }
            OneTimeError::Serialise(error) => {
                tracing::error!(%error, "Request failed: a one-time value cannot be serialised.");
                Self::new(Code::Internal)
            }
        }
    }
}
