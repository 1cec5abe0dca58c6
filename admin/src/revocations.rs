//! Revocations: recorded in the transaction that makes them, and relayed to Redis from there.

mod relay;
mod store;

use runtime::telemetry::{self, TRACE};
use shared::revocation::{Kind, Reason, RecordKey};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::db::{Connection, DbError, Transaction};

pub use relay::{Pace, Relay};

/// A revocation to record. The statement that records it computes its end.
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

    /// All access tokens of a session.
    pub fn session(sid: Uuid) -> Self {
        Self { kind: Kind::Session, reason: Reason::Revoked, claim: sid.to_string(), argument: 0 }
    }

    /// All access tokens of a user with a `gen` below `min_generation`.
    pub fn user(id: Uuid, min_generation: u64, reason: Reason) -> Self {
        Self { kind: Kind::User, reason, claim: id.to_string(), argument: min_generation }
    }

    /// All access tokens signed with a key, permanently.
    pub fn key(kid: &str) -> Self {
        Self { kind: Kind::Key, reason: Reason::Revoked, claim: kid.to_owned(), argument: 0 }
    }

    /// All access tokens with a `ggen` below `min_generation`.
    pub fn deployment(min_generation: u64) -> Self {
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

/// Records `revocations` of tokens issued by `issuer`; they take effect when `transaction` commits.
///
/// Call it after all locks of the transaction have been taken: a record ends at PostgreSQL's clock during
/// this statement, plus the longest token life in force, plus five minutes. If the request is traced, the
/// delivery of the records to the sidecars becomes part of its trace.
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

/// How long the oldest unpublished revocation has waited, in seconds; 0 when there is none.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn lag(connection: &Connection) -> Result<f64, DbError> {
    Ok(store::oldest_unpublished(connection).await?.unwrap_or(0.0))
}
