//! Why a service stopped without being asked to.

use crate::db::DbError;
use crate::keys::{ChangeError, LoadError, MasterKeyError};

/// Why a service stopped without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The migrations have not been run.
    #[error("the database schema lacks {missing} migration(s); run `admin migrate`, then start again")]
    SchemaBehind {
        /// How many migrations are missing.
        missing: usize,
    },
    /// Another build migrated the database.
    #[error(
        "migration V{0} of the database differs from that of this program, so another build migrated it; run `admin migrate` \
         for what to do"
    )]
    SchemaDifferent(i32),
    /// PostgreSQL returned an error.
    #[error("cannot prepare the database: {0}")]
    Database(DbError),
    /// The signing keys cannot be used.
    #[error("cannot use the signing keys: {0}")]
    Keys(Box<dyn std::error::Error + Send + Sync>),
    /// The master keys are not the ones that this deployment has used.
    #[error(transparent)]
    MasterKeys(MasterKeyError),
    /// A background task that must never end has ended.
    #[error("a background task ended unexpectedly; restart the service")]
    Background,
    /// The drain took too long.
    #[error("stopped, but some requests were still running after ADMIN_DRAIN")]
    NotDrained,
}

impl From<DbError> for RunError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<MasterKeyError> for RunError {
    fn from(error: MasterKeyError) -> Self {
        match error {
            MasterKeyError::Database(error) => Self::Database(error),
            error => Self::MasterKeys(error),
        }
    }
}

impl From<ChangeError> for RunError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Database(error) => Self::Database(error),
            error => Self::Keys(error.into()),
        }
    }
}

impl From<LoadError> for RunError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Database(error) => Self::Database(error),
            LoadError::Ring(error) => Self::Keys(error.into()),
        }
    }
}
