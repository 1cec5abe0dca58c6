//! Revocations: recorded in the transaction that makes them, and relayed to Redis from there.

mod new_revocation;
mod relay;
mod store;

use runtime::telemetry::{self, TRACE};
use tracing::Instrument as _;

use shared::revocation::RecordKey;
use crate::db::{Connection, DbError, Transaction};

pub use new_revocation::NewRevocation;
pub use relay::{Relay, RelayTiming};

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
/// Whether the access token with this key was revoked by itself.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn is_token_revoked(tx: &Transaction<'_>, key: RecordKey) -> Result<bool, DbError> {
    store::is_token_revoked(tx, key).await
}

