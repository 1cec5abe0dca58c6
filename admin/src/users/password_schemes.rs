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
    let schemes = store::password_schemes(&context.db.get().await?).await?;
    if let Err(error) = context.hasher.adapt_failures(&schemes).await {
        tracing::warn!(%error, "Cannot adapt the time of failed sign-ins to the stored password hashes; until the next \
            attempt in five minutes, that time may reveal how a hash was computed.");
    }
    Ok(())
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
