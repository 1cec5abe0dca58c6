//! The SQL of consents.

use uuid::Uuid;

use crate::config::ConsentVersion;
use crate::db::{DbError, SqlClient, Transaction};

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

/// Whether the user of an account that an operator made has yet to enter it: it has neither a password nor a linked account, and
/// no consent.
pub(crate) async fn is_owed(client: &impl SqlClient, user: Uuid) -> Result<bool, DbError> {
    let sql = "select exists (
                   select from auth.users u
                   where u.id = $1 and u.password_hash is null
                     and not exists (select from auth.oauth_accounts linked where linked.user_id = u.id)
                     and not exists (select from auth.consents given where given.user_id = u.id)) as is_owed";
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_one(&statement, &[&user]).await?.try_get("is_owed")?)
}
