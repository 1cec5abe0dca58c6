//! Computes the skeletons of stored login names.

mod store;

use uuid::Uuid;

use super::skeleton::{LoginWithoutSkeleton, skeleton, unicode_version};
use super::store::LOGIN_LOOKS_UNIQUE;
use crate::db::{Connection, DbError};

/// Attempts for one batch of accounts: a name may be taken in the meantime.
const ATTEMPTS: u32 = 3;

/// Computes the skeletons that are missing, or that were computed by another version of Unicode, and returns their
/// number. Of names that look alike only the oldest account gets one.
///
/// # Errors
///
/// PostgreSQL unavailable; what was computed stays.
pub(crate) async fn complete_skeletons(connection: &Connection) -> Result<usize, DbError> {
    let version = unicode_version();
    let (mut after, mut completed) = (Uuid::nil(), 0);
    loop {
        let logins = store::without_skeleton(connection, &version, after).await?;
        let Some(last) = logins.last() else { return Ok(completed) };
        after = last.user;
        completed += logins.len();
        set(connection, &logins, &version).await?;
    }
}

async fn set(connection: &Connection, logins: &[LoginWithoutSkeleton], version: &str) -> Result<(), DbError> {
    let skeletons: Vec<String> = logins.iter().map(|login| skeleton(&login.key)).collect();
    for attempt in 1.. {
        match store::set_skeletons(connection, logins, &skeletons, version).await {
            Err(error) if attempt < ATTEMPTS && error.constraint() == Some(LOGIN_LOOKS_UNIQUE) => {}
            outcome => return outcome,
        }
    }
    Ok(())
}
