//! The SQL of superusers.

use uuid::Uuid;

use crate::db::{DbError, SqlClient};

/// Whether a superuser other than `user` exists and can sign in.
pub(crate) async fn has_other(client: &impl SqlClient, user: Uuid) -> Result<bool, DbError> {
    let sql =
        "select exists (select from auth.users where is_superuser and status = 'active' and id <> $1) as has";
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_one(&statement, &[&user]).await?.try_get("has")?)
}
