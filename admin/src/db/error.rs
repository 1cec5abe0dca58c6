//! Errors of PostgreSQL, as far as callers distinguish them.

use std::time::Duration;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

/// A failed request to PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No connection was free in time.
    #[error("no connection to PostgreSQL was free in time")]
    Busy,
    /// PostgreSQL did not respond in time.
    #[error("PostgreSQL did not respond in time; check its load and the network")]
    Silent,
    /// PostgreSQL is unreachable, stopping or starting, or cancelled the statement.
    #[error("PostgreSQL is unavailable: {}; check that it is running and that DATABASE_URL is correct", WithCause(.0))]
    Away(#[source] tokio_postgres::Error),
    /// PostgreSQL refuses the user, the password or the database.
    #[error("PostgreSQL refuses the connection: {}; correct DATABASE_URL, or the server's pg_hba.conf", WithCause(.0))]
    Denied(#[source] tokio_postgres::Error),
    /// The transaction was older than [`super::TRANSACTION_LIFE`] and was rolled back.
    #[error("the transaction took too long and was rolled back")]
    TooOld,
    /// The audit log was continued with a master key that is not configured.
    #[error(
        "the audit log was continued with master key {0}, which is not in ADMIN_MASTER_KEYS; add it as its first key and restart"
    )]
    AuditKeyMissing(u8),
    /// PostgreSQL returned an error: a violated constraint, or a defect of this program.
    #[error("PostgreSQL returned an error: {}", WithCause(.0))]
    Refused(#[source] tokio_postgres::Error),
}

/// `tokio_postgres` has the server's message in the source of its error.
pub(super) struct WithCause<'e>(pub(super) &'e tokio_postgres::Error);

impl DbError {
    /// The violated constraint.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Refused(error) => error.as_db_error()?.constraint(),
            Self::Busy
            | Self::Silent
            | Self::Away(_)
            | Self::Denied(_)
            | Self::TooOld
            | Self::AuditKeyMissing(_) => None,
        }
    }

    /// Whether a retry soon may succeed.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Busy | Self::Silent | Self::Away(_) | Self::TooOld | Self::AuditKeyMissing(_) => true,
            Self::Denied(_) | Self::Refused(_) => false,
        }
    }

    /// Whether the database cannot be used at all, for a reason outside of this program.
    pub fn is_unavailable(&self) -> bool {
        self.is_passing() || matches!(self, Self::Denied(_))
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

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let away = match error.code() {
            // Without a code the error is not from the server: the connection broke, or a value did not
            // convert.
            None => error.is_closed() || is_io(&error),
            Some(code) => is_passing(code),
        };
        match away {
            _ if is_denied(&error) => Self::Denied(error),
            true => Self::Away(error),
            false => Self::Refused(error),
        }
    }
}

impl From<PoolError> for DbError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) if is_denied(&error) => Self::Denied(error),
            // Every other failure to connect means that PostgreSQL is unavailable.
            PoolError::Backend(error) => Self::Away(error),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => Self::Silent,
            PoolError::Timeout(TimeoutType::Wait)
            | PoolError::Closed
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_) => Self::Busy,
        }
    }
}

/// Class 28 (authorization), and a database that does not exist.
fn is_denied(error: &tokio_postgres::Error) -> bool {
    let code = error.code().map(SqlState::code).unwrap_or_default();
    code.starts_with("28") || code == SqlState::UNDEFINED_DATABASE.code()
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// Classes 08 (connection), 40 (deadlock), 53 (resources), 55 (lock not available), 57 (operator
/// intervention, which includes the statement timeout), and a primary that became a standby.
fn is_passing(code: &SqlState) -> bool {
    let class = code.code().get(..2).unwrap_or_default();
    matches!(class, "08" | "40" | "53" | "55" | "57")
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
}

impl std::fmt::Display for WithCause<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_db_error() {
            // Never the detail: it quotes the row, which may contain addresses.
            Some(error) => write!(f, "{} ({})", error.message(), error.code().code()),
            None => match std::error::Error::source(self.0) {
                Some(cause) => write!(f, "{} ({cause})", self.0),
                None => write!(f, "{}", self.0),
            },
        }
    }
}
