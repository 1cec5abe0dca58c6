//! Revocations: recorded in the transaction that makes them, and relayed to Redis from there.

mod handover;
mod needed;
mod new_revocation;
mod reach;
mod receipt;
mod relay;
mod store;

use runtime::telemetry::{self, TRACE};
use shared::revocation::RecordKey;
use tracing::Instrument as _;

use crate::db::{Connection, DbError, Transaction};

pub use new_revocation::NewRevocation;
pub(crate) use reach::{LiveSidecar, Reached, live_sidecars, log_end, reach_all};
pub(crate) use receipt::Receipt;
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
    if !revocations.is_empty() {
        record_with_receipt(transaction, issuer, revocations).await?;
    }
    Ok(())
}

/// The same for at least one revocation, with a receipt for the last of them.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn record_with_receipt(
    transaction: &Transaction<'_>,
    issuer: &str,
    revocations: &[NewRevocation],
) -> Result<Receipt, DbError> {
    let span = tracing::info_span!(
        target: TRACE,
        "revoke",
        otel.kind = "producer",
        messaging.batch.message_count = revocations.len()
    );
    let traceparent = telemetry::traceparent(&span);
    store::insert(transaction, issuer, revocations, traceparent.as_deref()).instrument(span).await
}

/// Whether the access token with this key was revoked by itself.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn is_token_revoked(tx: &Transaction<'_>, key: RecordKey) -> Result<bool, DbError> {
    store::is_token_revoked(tx, key).await
}

/// How long the oldest unpublished revocation has waited, in seconds; 0 when there is none.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub async fn lag(connection: &Connection) -> Result<f64, DbError> {
    Ok(store::oldest_unpublished(connection).await?.unwrap_or(0.0))
}
