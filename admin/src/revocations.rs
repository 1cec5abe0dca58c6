//! What no longer counts: recorded in the transaction that makes it so, relayed from there to Redis.

mod relay;
mod store;

use shared::revocation::{Kind, Reason, RecordKey};
use shared::telemetry::{self, TRACE};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::db::{Connection, DbError, Transaction};

pub use relay::{Pace, Relay};

/// A revocation to be recorded. Its end is reckoned by the statement that records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevocation {
    kind: Kind,
    reason: Reason,
    claim: String,
    argument: u64,
}

impl NewRevocation {
    /// One access token, by its `jti`.
    pub fn token(jti: Uuid, reason: Reason) -> Self {
        Self { kind: Kind::Token, reason, claim: jti.to_string(), argument: 0 }
    }

    /// Every access token of a session.
    pub fn session(sid: Uuid) -> Self {
        Self { kind: Kind::Session, reason: Reason::Revoked, claim: sid.to_string(), argument: 0 }
    }

    /// Every access token of a user whose `gen` is below `min_generation`.
    pub fn user(id: Uuid, min_generation: u64, reason: Reason) -> Self {
        Self { kind: Kind::User, reason, claim: id.to_string(), argument: min_generation }
    }

    /// Every access token signed with a key, for ever.
    pub fn key(kid: &str) -> Self {
        Self { kind: Kind::Key, reason: Reason::Revoked, claim: kid.to_owned(), argument: 0 }
    }

    /// Every access token whose `ggen` is below `min_generation`.
    pub fn everything(min_generation: u64) -> Self {
        Self {
            kind: Kind::Everything,
            reason: Reason::Revoked,
            claim: String::new(),
            argument: min_generation,
        }
    }

    fn key_under(&self, issuer: &str) -> RecordKey {
        match self.kind {
            Kind::Everything => RecordKey::ZERO,
            Kind::Token | Kind::Session | Kind::User | Kind::Key => {
                RecordKey::new(issuer, self.kind, &self.claim)
            }
        }
    }
}

/// Records `revocations` of tokens that `issuer` issued; they take effect when `transaction` commits.
///
/// Call it after every lock of the transaction is held: each record's end is the clock of PostgreSQL at
/// this very statement, plus the longest token life in force, plus five minutes. Where the trace of the request is kept,
/// the way of the records to the sidecars becomes part of it.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn record(
    transaction: &Transaction<'_>,
    issuer: &str,
    revocations: &[NewRevocation],
) -> Result<(), DbError> {
    if revocations.is_empty() {
        return Ok(());
    }
    let span = tracing::info_span!(
        target: TRACE,
        "revoke",
        otel.kind = "producer",
        messaging.batch.message_count = revocations.len()
    );
    let traceparent = telemetry::traceparent(&span);
    store::insert(transaction, issuer, revocations, traceparent.as_deref()).instrument(span).await
}

/// How long the oldest revocation that was not handed to Redis yet has waited, in seconds; 0 where none waits.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn lag(connection: &Connection) -> Result<f64, DbError> {
    Ok(store::oldest_unpublished(connection).await?.unwrap_or(0.0))
}
