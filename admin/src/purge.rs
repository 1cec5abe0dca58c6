//! What a purge is: which rows of a table are deleted, or shortened, when they are old.
//!
//! A feature declares its own beside its SQL; `purges` lists and runs them.

use std::time::Duration;

use crate::config::RetentionConfig;
use crate::db::DbError;

/// A purge of one table.
#[derive(Debug)]
pub struct Purge {
    /// Its name in metrics, logs and `auth.purges`.
    pub name: &'static str,
    /// How often it runs.
    pub every: Duration,
    /// The age, in days, of rows that are too old.
    pub days: fn(&RetentionConfig) -> i32,
    /// The statement of one batch.
    pub batch: Batch,
}

/// One batch: at most `$1` rows, of at least `$2` days.
#[derive(Debug, Clone, Copy)]
pub enum Batch {
    /// Changes the rows, which an index finds. Repeated until it changes none.
    Found(&'static str),
    /// Reads the next rows after the place `$3`, a text, and changes those among them: for rows that no index can find, or
    /// if a search from the beginning would pass all rows that were changed before. Returns `examined`, `changed`, and
    /// `last`, the place of the last row that it read. Begins with the empty text; repeated until it has read all.
    Walked(&'static str),
}

/// The usual interval.
pub(crate) const DAILY: Duration = Duration::from_hours(24);

/// Why a purge failed.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    /// PostgreSQL returned an error.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The data may not be deleted.
    #[error("{0}")]
    Refused(&'static str),
}
