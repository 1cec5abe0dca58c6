//! The SQL of consents.

use uuid::Uuid;

use crate::config::ConsentVersion;
use crate::db::{DbError, Transaction};

/// Stores that the user consents to this version, if one is asked for.
pub(crate) async fn record(
    tx: &Transaction<'_>,
    user: Uuid,
    version: Option<&ConsentVersion>,
) -> Result<(), DbError> {
    let Some(version) = version else { return Ok(()) };
    let sql = "insert into auth.consents (user_id, version) values ($1, $2)
               on conflict on constraint consents_pkey do nothing";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user, &version.as_str()]).await?;
    Ok(())
}
