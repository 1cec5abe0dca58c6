//! All SQL about roles.

use shared::role::RoleName;
use uuid::Uuid;

use crate::db::{Connection, DbError, Transaction};

/// The constraint that two roles of one name violate.
pub(super) const NAME_IS_UNIQUE: &str = "roles_name_is_unique";

/// Makes a role.
///
/// # Errors
///
/// A violated [`NAME_IS_UNIQUE`], or PostgreSQL is away.
pub(super) async fn insert(connection: &Connection, id: Uuid, name: &RoleName) -> Result<(), DbError> {
    let sql = "insert into auth.roles (id, name) values ($1, $2)";
    connection.execute(sql, &[&id, &name.as_str()]).await?;
    Ok(())
}

/// The role of this name.
pub(super) async fn find(tx: &Transaction<'_>, name: &RoleName) -> Result<Option<Uuid>, DbError> {
    let sql = "select id from auth.roles where name = $1";
    let row = tx.query_opt(sql, &[&name.as_str()]).await?;
    Ok(row.map(|row| row.try_get("id")).transpose()?)
}

/// Gives a role without an end. `false` when the user has it so already.
pub(super) async fn give(tx: &Transaction<'_>, user: Uuid, role: Uuid) -> Result<bool, DbError> {
    let sql = "insert into auth.user_roles as held (user_id, role_id) values ($1, $2)
               on conflict on constraint user_roles_pkey do update
                   set expires_at = null, granted_at = clock_timestamp()
                   where held.expires_at is not null";
    Ok(tx.execute(sql, &[&user, &role]).await? == 1)
}

/// How many bytes the user's role names take with commas between them, those that ended counted as well.
pub(super) async fn names_length(tx: &Transaction<'_>, user: Uuid) -> Result<usize, DbError> {
    let sql = "select coalesce(sum(octet_length(r.name) + 1), 0) as length
               from auth.user_roles held join auth.roles r on r.id = held.role_id
               where held.user_id = $1";
    let length: i64 = tx.query_one(sql, &[&user]).await?.try_get("length")?;
    Ok(usize::try_from(length).unwrap_or(usize::MAX))
}
