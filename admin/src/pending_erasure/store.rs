//! The SQL of pending erasures, as far as a sign-in needs it.

use uuid::Uuid;

use super::pending::PendingErasure;
use crate::db::{DbError, SqlClient};

/// The pending erasure of a user.
pub(crate) async fn find(client: &impl SqlClient, user: Uuid) -> Result<Option<PendingErasure>, DbError> {
    let sql = "select p.requested_at, p.due_at, u.token_generation, u.is_superuser
               from auth.pending_erasures p join auth.users u on u.id = p.user_id
               where p.user_id = $1 and u.status = 'erasing'";
    let statement = client.prepare_cached(sql).await?;
    let Some(row) = client.query_opt(&statement, &[&user]).await? else { return Ok(None) };
    Ok(Some(PendingErasure {
        user,
        requested_at: row.try_get("requested_at")?,
        due_at: row.try_get("due_at")?,
        // A `check` constraint keeps it positive.
        generation: row.try_get::<_, i64>("token_generation")?.cast_unsigned(),
        is_superuser: row.try_get("is_superuser")?,
    }))
}
