//! All SQL about the login history, its partitions apart.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::Entry;
use crate::api::Request;
use crate::db::{Connection, DbError};

/// Writes an entry in a transaction of its own, which waits for no lock for long.
pub(super) async fn insert(request: &Request, entry: &Entry) -> Result<(), DbError> {
    let sql = "insert into auth.login_history
                   (id, user_id, session_id, event, reason, address, user_agent, request_id)
               values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let mut connection = request.context.db.get().await?;
    let tx = connection.begin().await?;
    tx.batch_execute("set local lock_timeout = '500ms'").await?;
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(
        &statement,
        &[
            &Uuid::now_v7(),
            &entry.user,
            &entry.session,
            &entry.event.name(),
            &entry.event.reason(),
            &request.client.address,
            &request.client.user_agent,
            &request.id.as_str(),
        ],
    )
    .await?;
    tx.commit().await
}

/// Up to `limit` entries of a user, the latest first, beginning after `before`.
pub(super) async fn page(
    connection: &Connection,
    user: Uuid,
    before: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<Row>, DbError> {
    let sql = "select id, occurred_at, event, session_id, address, user_agent
               from auth.login_history
               where user_id = $1
                 and ($2::timestamptz is null or (occurred_at, id) < ($2, $3::uuid))
               order by occurred_at desc, id desc limit $4";
    let (moment, id) = before.unzip();
    let statement = connection.prepare_cached(sql).await?;
    Ok(connection.query(&statement, &[&user, &moment, &id, &limit]).await?)
}
