//! All SQL about assignments.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Assignment, NewAssignment};
use crate::db::{Connection, DbError, Transaction};

/// An assignment that may not be there, and the moment at which it was looked for.
pub(super) struct Found {
    pub(super) now: Timestamp,
    pub(super) assignment: Option<Assignment>,
}

/// The user's assignment of the role, if it stands. One whose end has come is none, though it is still written.
pub(super) async fn find(tx: &Transaction<'_>, user: Uuid, role: Uuid) -> Result<Found, DbError> {
    let sql = "select clock.now, r.name, held.granted_at, held.granted_by, held.expires_at, held.reason
               from (select clock_timestamp() as now offset 0) clock
               left join auth.user_roles held on held.user_id = $1 and held.role_id = $2
                   and (held.expires_at is null or held.expires_at > clock.now)
               left join auth.roles r on r.id = held.role_id";
    let statement = tx.prepare_cached(sql).await?;
    let row = tx.query_one(&statement, &[&user, &role]).await?;
    Ok(Found { now: row.try_get("now")?, assignment: assignment(&row)? })
}

/// Every assignment of the user that stands, by the role's name.
pub(super) async fn list(connection: &Connection, user: Uuid) -> Result<Vec<Assignment>, DbError> {
    let sql = "select r.name, held.granted_at, held.granted_by, held.expires_at, held.reason
               from auth.user_roles held join auth.roles r on r.id = held.role_id
               where held.user_id = $1 and (held.expires_at is null or held.expires_at > clock_timestamp())
               order by r.name";
    let statement = connection.prepare_cached(sql).await?;
    let rows = connection.query(&statement, &[&user]).await?;
    rows.iter().filter_map(|row| assignment(row).transpose()).collect()
}

/// Makes the assignment, or makes the one that is there like it.
pub(super) async fn put(
    tx: &Transaction<'_>,
    user: Uuid,
    role: Uuid,
    new: &NewAssignment,
) -> Result<(), DbError> {
    let sql = "insert into auth.user_roles (user_id, role_id, expires_at, granted_by, reason)
               values ($1, $2, $3, $4, $5)
               on conflict on constraint user_roles_pkey do update
                   set expires_at = excluded.expires_at, granted_by = excluded.granted_by,
                       reason = excluded.reason, granted_at = clock_timestamp()";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user, &role, &new.expires_at, &new.granted_by, &new.reason]).await?;
    Ok(())
}

/// Takes the assignment away. `false` when there was none.
pub(super) async fn delete(tx: &Transaction<'_>, user: Uuid, role: Uuid) -> Result<bool, DbError> {
    let statement =
        tx.prepare_cached("delete from auth.user_roles where user_id = $1 and role_id = $2").await?;
    Ok(tx.execute(&statement, &[&user, &role]).await? == 1)
}

/// An assignment that was taken away because it had ended.
pub(crate) struct Ended {
    pub(crate) user: Uuid,
    pub(crate) role_id: Uuid,
    pub(crate) role: String,
}

/// Takes away what has ended of these users', who are held.
pub(crate) async fn delete_ended(tx: &Transaction<'_>, users: &[Uuid]) -> Result<Vec<Ended>, DbError> {
    let sql = "with ended as (
                   delete from auth.user_roles where user_id = any($1) and expires_at <= clock_timestamp()
                   returning user_id, role_id
               )
               select ended.user_id, r.id, r.name from ended join auth.roles r on r.id = ended.role_id
               order by ended.user_id, r.name";
    let rows = tx.query(sql, &[&users]).await?;
    let read = |row: &Row| {
        Ok(Ended { user: row.try_get("user_id")?, role_id: row.try_get("id")?, role: row.try_get("name")? })
    };
    rows.iter().map(read).collect()
}

/// How many bytes the user's role names take with commas between them, those that ended counted as well.
pub(super) async fn names_length(tx: &Transaction<'_>, user: Uuid) -> Result<usize, DbError> {
    let sql = "select coalesce(sum(octet_length(r.name) + 1), 0) as length
               from auth.user_roles held join auth.roles r on r.id = held.role_id
               where held.user_id = $1";
    let length: i64 = tx.query_one(sql, &[&user]).await?.try_get("length")?;
    Ok(usize::try_from(length).unwrap_or(usize::MAX))
}

fn assignment(row: &Row) -> Result<Option<Assignment>, DbError> {
    // A `check` keeps names in their form; without an assignment there is none.
    let Some(role) = row.try_get::<_, Option<&str>>("name")?.and_then(|name| name.parse().ok()) else {
        return Ok(None);
    };
    Ok(Some(Assignment {
        role,
        granted_at: row.try_get("granted_at")?,
        granted_by: row.try_get("granted_by")?,
        expires_at: row.try_get("expires_at")?,
        reason: row.try_get("reason")?,
    }))
}
