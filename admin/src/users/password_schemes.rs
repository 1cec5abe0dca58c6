//! Which schemes the stored password hashes have, so that a failed sign-in takes as long as the slowest of them.

use std::time::Duration;

use tokio::time::sleep;

use super::store;
use crate::context::Context;
use crate::db::DbError;

/// How often the stored schemes are read again: an import may add one. The query reads one entry of an index for each.
const PAUSE: Duration = Duration::from_mins(5);

/// Lets failures wait as long as the slowest stored scheme takes.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn adapt(context: &Context) -> Result<(), DbError> {
    let slowest = slowest(context).await?;
    if let Err(error) = context.hasher.adapt_failures(slowest.as_slice()).await {
        tracing::warn!(%error, "Cannot adapt to the stored password hashes; until the next attempt in five minutes, \
            the time of a failed sign-in may tell how the hash was made.");
    }
    Ok(())
}

/// The slowest stored scheme. An import may bring any number of schemes, so they are read in parts, and only the slowest
/// one is kept.
async fn slowest(context: &Context) -> Result<Option<String>, DbError> {
    let connection = context.db.get().await?;
    let (mut slowest, mut after) = (None, String::new());
    loop {
        let schemes = store::password_schemes(&connection, &after).await?;
        let Some(last) = schemes.last() else { return Ok(slowest) };
        after.clone_from(last);
        slowest = context.hasher.slowest(slowest.into_iter().chain(schemes));
    }
}

/// Reads them again and again, because an import or another configuration may add one.
pub(crate) async fn keep_adapted(context: Context) {
    loop {
        sleep(PAUSE).await;
        if let Err(error) = adapt(&context).await {
            tracing::warn!(%error, "Cannot read the schemes of the stored password hashes; trying again in five minutes.");
        }
    }
}
