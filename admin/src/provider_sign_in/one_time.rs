//! One-time values: state in Redis for some minutes, found by a secret, and used once by the client that owns it.
//!
//! A value is stored under the hash of its secret. Its end is fixed when it is stored, and no attempt to use it moves
//! the end. A request of another client changes nothing. The first attempt of the owner claims the value; its result is
//! kept for a minute, because browsers repeat requests, and never contains a token. Redis may lose all
//! values: then the users start again.

use std::time::Duration;

use redis::{Cmd, RedisError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::json;
use tokio::time::{Instant, sleep};

use super::secret;
use crate::api::{Code, Problem};
use crate::context::Context;
use crate::redis_connection::RedisConnection;

/// How long the result of an attempt is kept.
pub(super) const KEPT: Duration = Duration::from_mins(1);

/// How long an attempt may take. After that it has been lost, and the owner may try again. As long as a handler may
/// take.
const ATTEMPT: Duration = Duration::from_secs(15);

/// How long a repeated request waits for the attempt before it, and how often it asks. [`Context::waiting`] bounds how
/// many wait.
const WAIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// Each change is one atomic script.
const STORE: &str = include_str!("one_time/store.lua");
const READ: &str = include_str!("one_time/read.lua");
const CLAIM: &str = include_str!("one_time/claim.lua");
const RELEASE: &str = include_str!("one_time/release.lua");
const FINISH: &str = include_str!("one_time/finish.lua");
const DISCARD: &str = include_str!("one_time/discard.lua");

/// The kinds of values, in the order in which a user meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OneTimeKind {
    /// A flow: a browser was sent to a provider. The secret is the OAuth `state`.
    Flow,
    /// A sign-in whose tokens the page will fetch. The secret is the one-time code.
    SignIn,
    /// A link that the user must confirm. The secret is the `flow` of the problem.
    Link,
    /// An identity that belongs to no account yet, until the user signs in to one or skips that. The secret is the `flow`
    /// of the problem.
    Proof,
    /// An account at a provider that its user may move here. The secret is the `flow` of the problem.
    Move,
    /// A proof by the user of a session. The secret is the `proven` of the page.
    Proven,
}

/// A value that is not stored yet.
pub(super) struct NewValue {
    kind: OneTimeKind,
    secret: String,
    owner: String,
    value: String,
}

/// A value that was found.
pub(super) enum Claim<T, K> {
    /// By the first attempt, or the first after one that was released or lost.
    First(T, Ticket),
    /// By a repetition of the attempt that had this result.
    Again(K),
}

/// A claim of this process on a value. Purposefully without `Debug`: it holds the secret.
pub(super) struct Ticket {
    kind: OneTimeKind,
    secret: String,
    /// The number of the claim: a later one has another.
    claim: u64,
}

/// Why a value was not stored or not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum OneTimeError {
    #[error("Redis did not respond in time: {0}")]
    Redis(#[from] RedisError),
    #[error("the value cannot be serialised: {0}")]
    Serialise(#[from] serde_json::Error),
    #[error("too many sign-ins through providers are in progress")]
    Full,
    #[error("an earlier attempt with the same value did not finish in time")]
    Busy,
    #[error("too many requests wait for earlier attempts with the same value")]
    TooManyWait,
}

impl OneTimeKind {
    /// As it appears in keys.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Flow => "authorization",
            Self::SignIn => "sign-in",
            Self::Link => "link",
            Self::Proof => "proof",
            Self::Move => "move",
            Self::Proven => "proven",
        }
    }

    /// How long a value is kept.
    pub(super) fn lifetime(self) -> Duration {
        match self {
            Self::Flow | Self::Link | Self::Proof | Self::Move => Duration::from_mins(10),
            Self::SignIn | Self::Proven => Duration::from_mins(1),
        }
    }

    /// How many values are stored at the same time, results included. Every client may start a flow, and each takes up
    /// to 2.5 kB of the Redis that carries the revocations; the others follow from flows that ended at a provider.
    fn most(self) -> usize {
        match self {
            Self::Flow => 60_000,
            Self::SignIn => 20_000,
            Self::Link | Self::Proof | Self::Move | Self::Proven => 10_000,
        }
    }

    /// The key of the set with the end of each value of this kind, by which they are counted.
    fn ends(self, redis: &RedisConnection) -> String {
        format!("{}oauth:{}-ends", redis.prefix(), self.word())
    }

    /// The longest that a value of this kind can be stored from now: as long as the set of their ends.
    fn longest(self) -> u64 {
        self.lifetime().max(KEPT).as_secs() + 1
    }
}

impl NewValue {
    /// `value`, for `owner` and under `secret`.
    pub(super) fn new(
        kind: OneTimeKind,
        secret: String,
        owner: String,
        value: &impl Serialize,
    ) -> Result<Self, OneTimeError> {
        Ok(Self { kind, secret, owner, value: serde_json::to_string(value)? })
    }

    fn command(&self, redis: &RedisConnection) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(STORE).arg(2).arg(key(redis, self.kind, &self.secret)).arg(self.kind.ends(redis));
        command.arg(&self.owner).arg(&self.value).arg(self.kind.lifetime().as_secs());
        command.arg(secret::fingerprint(&self.secret)).arg(self.kind.most()).arg(self.kind.longest());
        command
    }
}

impl Ticket {
    /// A name of the value that does not reveal its secret.
    pub(super) fn fingerprint(&self) -> String {
        secret::fingerprint(&self.secret)
    }

    fn key(&self, redis: &RedisConnection) -> String {
        key(redis, self.kind, &self.secret)
    }

    /// The command that keeps `kept` as the result of the attempt.
    fn finish(&self, redis: &RedisConnection, kept: &impl Serialize) -> Result<Cmd, OneTimeError> {
        let mut command = redis::cmd("EVAL");
        command.arg(FINISH).arg(2).arg(self.key(redis)).arg(self.kind.ends(redis));
        command.arg(self.claim).arg(serde_json::to_string(kept)?).arg(KEPT.as_secs());
        command.arg(secret::fingerprint(&self.secret)).arg(self.kind.longest());
        Ok(command)
    }
}

/// Stores a value.
///
/// # Errors
///
/// 503 `overloaded` above the limit of values; 503 `dependency_unavailable` without Redis.
pub(super) async fn store(context: &Context, new: &NewValue) -> Result<(), OneTimeError> {
    let stored: u64 = context.redis.run("EVAL", &new.command(&context.redis)).await?;
    if stored == 0 { Err(OneTimeError::Full) } else { Ok(()) }
}

/// Claims the value of `secret` for `owner`, or finds the result of the same `attempt` before. While another attempt of
/// the owner is in progress, this one waits. `None` when the value is unknown, has expired, belongs to another owner,
/// or was used by another attempt; then nothing changes. A value in the format of another version counts as unknown.
///
/// # Errors
///
/// 503 `overloaded` when the wait was too long, or too many requests wait; 503 `dependency_unavailable` without Redis.
pub(super) async fn claim<T: DeserializeOwned, K: DeserializeOwned>(
    context: &Context,
    (kind, secret): (OneTimeKind, &str),
    owner: &str,
    attempt: String,
) -> Result<Option<Claim<T, K>>, OneTimeError> {
    if !secret::is_well_formed(secret) {
        return Ok(None);
    }
    let (key, begun) = (key(&context.redis, kind, secret), Instant::now());
    let mut place = None;
    loop {
        let mut claim = redis::cmd("EVAL");
        claim.arg(CLAIM).arg(1).arg(&key).arg(owner).arg(&attempt).arg(ATTEMPT.as_secs());
        let (state, text, claim): (String, Option<String>, u64) = context.redis.run("EVAL", &claim).await?;
        let text = text.unwrap_or_default();
        match state.as_str() {
            "first" => {
                let ticket = Ticket { kind, secret: secret.to_owned(), claim };
                return Ok(json::from_slice(text.as_bytes()).ok().map(|value| Claim::First(value, ticket)));
            }
            "again" => return Ok(json::from_slice(text.as_bytes()).ok().map(Claim::Again)),
            "busy" if begun.elapsed() < WAIT => {
                if place.is_none() {
                    place = Some(context.waiting.try_acquire().map_err(|_| OneTimeError::TooManyWait)?);
                }
                sleep(PAUSE).await;
            }
            "busy" => return Err(OneTimeError::Busy),
            _ => return Ok(None),
        }
    }
}

/// Reads the value for `owner`, and changes nothing. `None` when it is unknown, has expired, was used, or belongs to another
/// owner.
///
/// # Errors
///
/// 503 without Redis.
pub(super) async fn read<T: DeserializeOwned>(
    context: &Context,
    (kind, secret): (OneTimeKind, &str),
    owner: &str,
) -> Result<Option<T>, OneTimeError> {
    if !secret::is_well_formed(secret) {
        return Ok(None);
    }
    let mut read = redis::cmd("EVAL");
    read.arg(READ).arg(1).arg(key(&context.redis, kind, secret)).arg(owner);
    let text: Option<String> = context.redis.run("EVAL", &read).await?;
    Ok(text.and_then(|text| json::from_slice(text.as_bytes()).ok()))
}

/// Ends an attempt: the value is used up, and `kept` is the result, unless another attempt has replaced this one
/// meanwhile. A failure is logged: the attempt itself has succeeded, and only a repeated request fails.
pub(super) async fn keep<K: Serialize>(context: &Context, ticket: Ticket, kept: &K) {
    let finished = async {
        let finish = ticket.finish(&context.redis, kept)?;
        Ok::<u64, OneTimeError>(context.redis.run("EVAL", &finish).await?)
    };
    if let Err(error) = finished.await {
        tracing::warn!(%error, "Failed to store the result of a one-time value; a repeated request fails.");
    }
}

/// Ends an attempt that must not count: the next one finds `value`, which ends when it would have ended. A failure is
/// logged: the claim then lapses by itself.
pub(super) async fn release(context: &Context, ticket: Ticket, value: &impl Serialize) {
    let released = async {
        let mut release = redis::cmd("EVAL");
        release.arg(RELEASE).arg(1).arg(ticket.key(&context.redis));
        release.arg(ticket.claim).arg(serde_json::to_string(value)?);
        Ok::<u64, OneTimeError>(context.redis.run("EVAL", &release).await?)
    };
    if let Err(error) = released.await {
        tracing::warn!(%error, "Failed to release a one-time value; a retry may fail for some seconds.");
    }
}

/// Ends an attempt after which there is no other. A failure is logged: the value then ends by itself.
pub(super) async fn discard(context: &Context, ticket: Ticket) {
    let mut discard = redis::cmd("EVAL");
    discard.arg(DISCARD).arg(2).arg(ticket.key(&context.redis)).arg(ticket.kind.ends(&context.redis));
    discard.arg(ticket.claim).arg(secret::fingerprint(&ticket.secret));
    if let Err(error) = context.redis.run::<u64>("EVAL", &discard).await {
        tracing::warn!(%error, "Failed to delete a one-time value; it expires by itself.");
    }
}

/// Ends an attempt with its result, of which the first part is kept for a repeated request. After a problem of ours, or one
/// that `keeps` the value, the client may try again.
///
/// # Errors
///
/// That of the result.
pub(super) async fn settle<K: Serialize, R>(
    context: &Context,
    ticket: Ticket,
    value: &impl Serialize,
    result: Result<(K, R), Problem>,
    keeps: impl Fn(Code) -> bool,
) -> Result<R, Problem> {
    match result {
        Ok((kept, answer)) => {
            keep(context, ticket, &kept).await;
            Ok(answer)
        }
        Err(problem) => {
            if problem.code().status().is_server_error() || keeps(problem.code()) {
                release(context, ticket, value).await;
            } else {
                discard(context, ticket).await;
            }
            Err(problem)
        }
    }
}

fn key(redis: &RedisConnection, kind: OneTimeKind, secret: &str) -> String {
    format!("{}oauth:{}:{}", redis.prefix(), kind.word(), secret::fingerprint(secret))
}

impl From<OneTimeError> for Problem {
    fn from(error: OneTimeError) -> Self {
        let code = match &error {
            OneTimeError::Redis(_) => Code::DependencyUnavailable,
            OneTimeError::Full | OneTimeError::Busy | OneTimeError::TooManyWait => Code::Overloaded,
            OneTimeError::Serialise(_) => Code::Internal,
        };
        tracing::warn!(%error, "Request failed: its one-time value cannot be used.");
        Self::new(code)
    }
}
