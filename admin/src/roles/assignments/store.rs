//! The SQL of assignments.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::assignment::{Assignment, NewAssignment};
use crate::db::{Connection, DbError, Transaction};

/// An assignment, if there is one, and the time of the query.
pub(super) struct AssignmentNow {
    pub(super) now: Timestamp,
    pub(super) assignment: Option<Assignment>,
}

/// The user's current assignment of the role. An expired one does not count, even if its row still exists.
pub(super) async fn find(tx: &Transaction<'_>, user: Uuid, role: Uuid) -> Result<AssignmentNow, DbError> {
    let sql = "select clock.now, r.name, held.granted_at, held.granted_by, held.expires_at, held.reason
               from (select clock_timestamp() as now offset 0) clock
               left join auth.user_roles held on held.user_id = $1 and held.role_id = $2
                   and (held.expires_at is null or held.expires_at > clock.now)
               left join auth.roles r on r.id = held.role_id";
    let statement = tx.prepare_cached(sql).await?;
    let row = tx.query_one(&statement, &[&user, &role]).await?;
    Ok(AssignmentNow { now: row.try_get("now")?, assignment: assignment(&row)? })
}

/// All current assignments of the user, by role name.
pub(super) async fn list(connection: &Connection, user: Uuid) -> Result<Vec<Assignment>, DbError> {
    let sql = "select r.name, held.granted_at, held.granted_by, held.expires_at, held.reason
               from auth.user_roles held join auth.roles r on r.id = held.role_id
               where held.user_id = $1 and (held.expires_at is null or held.expires_at > clock_timestamp())
               order by r.name collate \"C\"";
    let statement = connection.prepare_cached(sql).await?;
    let rows = connection.query(&statement, &[&user]).await?;
    rows.iter().filter_map(|row| assignment(row).transpose()).collect()
}

/// Inserts the assignment, or updates an existing one.
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

/// Moves the current assignments of one user to another one, who keeps the longer of two; returns the roles that changed, by
/// name. Both must be locked.
pub(super) async fn take_over(
    tx: &Transaction<'_>,
    (from, into): (Uuid, Uuid),
    granted_by: Option<Uuid>,
    reason: &str,
) -> Result<Vec<String>, DbError> {
    let sql = "with given as (
                   delete from auth.user_roles
                   where user_id = $1 and (expires_at is null or expires_at > clock_timestamp())
                   returning role_id, expires_at
               ), taken as (
                   insert into auth.user_roles as held (user_id, role_id, expires_at, granted_by, reason)
                   select $2, role_id, expires_at, $3, $4 from given
                   on conflict on constraint user_roles_pkey do update
                       set expires_at = excluded.expires_at, granted_by = excluded.granted_by,
                           reason = excluded.reason, granted_at = clock_timestamp()
                       where held.expires_at is not null
                         and (excluded.expires_at is null or excluded.expires_at > held.expires_at)
                   returning role_id
               )
               select r.name from taken join auth.roles r on r.id = taken.role_id order by r.name collate \"C\"";
    let rows = tx.query(sql, &[&from, &into, &granted_by, &reason]).await?;
    rows.iter().map(|row| Ok(row.try_get("name")?)).collect()
}

/// Deletes the assignment. `false` when there was none.
pub(super) async fn delete(tx: &Transaction<'_>, user: Uuid, role: Uuid) -> Result<bool, DbError> {
    let statement =
        tx.prepare_cached("delete from auth.user_roles where user_id = $1 and role_id = $2").await?;
    Ok(tx.execute(&statement, &[&user, &role]).await? == 1)
}

/// An expired assignment that was deleted.
pub(crate) struct EndedAssignment {
    pub(crate) user: Uuid,
    pub(crate) role_id: Uuid,
    pub(crate) role: String,
}

/// Deletes the expired assignments of these users, who must be locked.
pub(crate) async fn delete_ended(
    tx: &Transaction<'_>,
    users: &[Uuid],
) -> Result<Vec<EndedAssignment>, DbError> {
    let sql = "with ended as (
                   delete from auth.user_roles where user_id = any($1) and expires_at <= clock_timestamp()
                   returning user_id, role_id
               )
               select ended.user_id, r.id, r.name from ended join auth.roles r on r.id = ended.role_id
               order by ended.user_id, r.name collate \"C\"";
    let rows = tx.query(sql, &[&users]).await?;
    let read = |row: &Row| {
        Ok(EndedAssignment {
            user: row.try_get("user_id")?,
            role_id: row.try_get("id")?,
            role: row.try_get("name")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The bytes of all role names of the user with commas between them, including expired assignments.
pub(super) async fn names_length(tx: &Transaction<'_>, user: Uuid) -> Result<usize, DbError> {
    let sql = "select coalesce(sum(octet_length(r.name) + 1), 0) as length
               from auth.user_roles held join auth.roles r on r.id = held.role_id
               where held.user_id = $1";
    let length: i64 = tx.query_one(sql, &[&user]).await?.try_get("length")?;
    Ok(usize::try_from(length).unwrap_or(usize::MAX))
}

fn assignment(row: &Row) -> Result<Option<Assignment>, DbError> {
    // A `check` constraint keeps names well-formed; without an assignment the name is null.
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
