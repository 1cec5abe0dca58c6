//! The SQL of roles. Lock order: definitions, users, sessions; `definition` and `assignments` take the locks.
//!
//! Every write to `auth.roles`, `auth.role_permissions` and `auth.role_inherits` fires a trigger of V0017, which raises
//! `auth.role_map` and notifies the relay; `revocations::relay` publishes the map to the sidecars.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use shared::permission::Pattern;
use shared::role::{MAX_BYTES, RoleName};
use shared::role_map::{Role, RoleMap};
use tokio_postgres::Row;
use uuid::Uuid;

use super::role::{RoleRef, RoleView};
use crate::db::{Connection, DbError, SqlClient, Transaction};

/// The constraint that two roles of one name violate.
pub(super) const NAME_IS_UNIQUE: &str = "roles_name_is_unique";

/// Advisory lock of the process that ends expired assignments.
const ENDS_LOCK: i64 = 0x0075_7368_6572_0004;

macro_rules! select_role {
    ($condition:literal) => {
        concat!(
            "select r.id, r.name, r.title, r.description, r.is_system, r.row_version, r.created_at, r.updated_at,
                    array(select p.permission from auth.role_permissions p where p.role_id = r.id
                          order by p.permission collate \"C\") as permissions,
                    array(select parent.name from auth.role_inherits i
                          join auth.roles parent on parent.id = i.parent_id
                          where i.role_id = r.id order by parent.name collate \"C\") as inherits
             from auth.roles r ",
            $condition
        )
    };
}

/// Locks the definitions of all roles exclusively until the transaction ends: no definition changes, and no
/// role is assigned.
pub(super) async fn lock_definitions(tx: &Transaction<'_>) -> Result<(), DbError> {
    tx.query_one("select version from auth.role_map for update", &[]).await?;
    Ok(())
}

/// The definitions of all roles.
pub(super) async fn map(client: &impl SqlClient) -> Result<RoleMap, DbError> {
    let statement = client.prepare_cached(select_role!("")).await?;
    let rows = client.query(&statement, &[]).await?;
    rows.iter()
        .map(|row| Ok((name(row)?, Role { permissions: permissions(row)?, inherits: inherits(row)? })))
        .collect()
}

/// Those of `names` that no role has.
pub(super) async fn unknown(
    connection: &Connection,
    names: &BTreeSet<RoleName>,
) -> Result<Vec<RoleName>, DbError> {
    let asked: Vec<&str> = names.iter().map(RoleName::as_str).collect();
    let rows = connection.query("select name from auth.roles where name = any($1)", &[&asked]).await?;
    let known = rows.iter().map(name).collect::<Result<BTreeSet<_>, _>>()?;
    Ok(names.difference(&known).cloned().collect())
}

/// All roles, by name.
pub(super) async fn list(connection: &Connection) -> Result<Vec<RoleView>, DbError> {
    let statement = connection.prepare_cached(select_role!("order by r.name collate \"C\"")).await?;
    connection.query(&statement, &[]).await?.iter().map(view).collect()
}

/// Show a role.
pub(super) async fn find(client: &impl SqlClient, role: &RoleRef) -> Result<Option<RoleView>, DbError> {
    let statement = client.prepare_cached(select_role!("where r.id = $1 or r.name = $2")).await?;
    let (id, name) = match role {
        RoleRef::Id(id) => (Some(*id), None),
        RoleRef::Name(name) => (None, Some(name.as_str())),
    };
    client.query_opt(&statement, &[&id, &name]).await?.as_ref().map(view).transpose()
}

/// Creates a role without permissions.
///
/// # Errors
///
/// [`NAME_IS_UNIQUE`] violated, or PostgreSQL unavailable.
pub(super) async fn insert(
    tx: &Transaction<'_>,
    id: Uuid,
    name: &RoleName,
    title: Option<&str>,
    description: Option<&str>,
    is_system: bool,
) -> Result<(), DbError> {
    // A trigger raises auth.role_map; the relay publishes it.
    let sql = "insert into auth.roles (id, name, title, description, is_system) values ($1, $2, $3, $4, $5)";
    tx.execute(sql, &[&id, &name.as_str(), &title, &description, &is_system]).await?;
    Ok(())
}

/// Sets the title and description of a role.
pub(super) async fn set_words(
    tx: &Transaction<'_>,
    id: Uuid,
    title: Option<&str>,
    description: Option<&str>,
) -> Result<(), DbError> {
    tx.execute(
        "update auth.roles set title = $2, description = $3 where id = $1",
        &[&id, &title, &description],
    )
    .await?;
    Ok(())
}

/// Renames a role; the roles that inherit it get a new version, because they show its name.
pub(super) async fn rename(tx: &Transaction<'_>, id: Uuid, name: &RoleName) -> Result<(), DbError> {
    // A trigger raises auth.role_map; the relay publishes it.
    tx.execute("update auth.roles set name = $2 where id = $1", &[&id, &name.as_str()]).await?;
    touch_heirs(tx, id).await
}

/// Replaces the role's own permissions.
pub(super) async fn set_permissions(
    tx: &Transaction<'_>,
    id: Uuid,
    permissions: &BTreeSet<Pattern>,
) -> Result<(), DbError> {
    // A trigger raises auth.role_map; the relay publishes it.
    let texts: Vec<&str> = permissions.iter().map(Pattern::as_str).collect();
    let remove = "delete from auth.role_permissions where role_id = $1 and permission <> all($2)";
    tx.execute(remove, &[&id, &texts]).await?;
    let add = "insert into auth.role_permissions (role_id, permission) select $1, unnest($2::text[])
               on conflict on constraint role_permissions_pkey do nothing";
    tx.execute(add, &[&id, &texts]).await?;
    Ok(())
}

/// Replaces the directly inherited roles.
pub(super) async fn set_inherits(
    tx: &Transaction<'_>,
    id: Uuid,
    parents: &BTreeSet<RoleName>,
) -> Result<(), DbError> {
    // A trigger raises auth.role_map; the relay publishes it.
    let names: Vec<&str> = parents.iter().map(RoleName::as_str).collect();
    let remove = "delete from auth.role_inherits where role_id = $1
                      and parent_id not in (select id from auth.roles where name = any($2))";
    tx.execute(remove, &[&id, &names]).await?;
    let add = "insert into auth.role_inherits (role_id, parent_id) select $1, id from auth.roles where name = any($2)
               on conflict on constraint role_inherits_pkey do nothing";
    tx.execute(add, &[&id, &names]).await?;
    Ok(())
}

/// Increments the role's version.
pub(super) async fn touch(tx: &Transaction<'_>, id: Uuid) -> Result<(), DbError> {
    let sql =
        "update auth.roles set row_version = row_version + 1, updated_at = clock_timestamp() where id = $1";
    tx.execute(sql, &[&id]).await?;
    Ok(())
}

/// Deletes a role with its permissions, its inheritance and its assignments. Returns the number of
/// assignments.
pub(super) async fn delete(tx: &Transaction<'_>, id: Uuid) -> Result<u64, DbError> {
    // A trigger raises auth.role_map; the relay publishes it.
    touch_heirs(tx, id).await?;
    let taken = tx.execute("delete from auth.user_roles where role_id = $1", &[&id]).await?;
    tx.execute("delete from auth.roles where id = $1", &[&id]).await?;
    Ok(taken)
}

async fn touch_heirs(tx: &Transaction<'_>, id: Uuid) -> Result<(), DbError> {
    let sql = "update auth.roles set row_version = row_version + 1, updated_at = clock_timestamp()
               where id in (select role_id from auth.role_inherits where parent_id = $1)";
    tx.execute(sql, &[&id]).await?;
    Ok(())
}

/// Whether a protected role inherits this one directly.
pub(super) async fn has_system_heir(client: &impl SqlClient, id: Uuid) -> Result<bool, DbError> {
    let sql = "select exists (select from auth.role_inherits i join auth.roles r on r.id = i.role_id
                              where i.parent_id = $1 and r.is_system) as has";
    Ok(client.query_one(sql, &[&id]).await?.try_get("has")?)
}

/// Protects or releases a role. `false` when nothing changed.
pub(super) async fn set_system(tx: &Transaction<'_>, id: Uuid, is_system: bool) -> Result<bool, DbError> {
    let sql =
        "update auth.roles set is_system = $2, row_version = row_version + 1, updated_at = clock_timestamp()
               where id = $1 and is_system <> $2";
    Ok(tx.execute(sql, &[&id, &is_system]).await? == 1)
}

/// Blocks a name as long as a token that carries it can live. Removes expired entries. `role` is the one that has another name
/// now, if it was not deleted.
pub(super) async fn retire_name(
    tx: &Transaction<'_>,
    name: &RoleName,
    role: Option<Uuid>,
) -> Result<(), DbError> {
    tx.execute("delete from auth.retired_role_names where until <= clock_timestamp()", &[]).await?;
    let sql = "insert into auth.retired_role_names as retired (name, role_id, until)
               values ($1, $2, clock_timestamp() + auth.longest_access_token_life() + interval '5 minutes')
               on conflict on constraint retired_role_names_pkey do update
               set role_id = excluded.role_id, until = excluded.until";
    tx.execute(sql, &[&name.as_str(), &role]).await?;
    Ok(())
}

/// Releases a name that this role had before, so that it can have it again.
pub(super) async fn take_back_name(tx: &Transaction<'_>, name: &RoleName, role: Uuid) -> Result<(), DbError> {
    let sql = "delete from auth.retired_role_names where name = $1 and role_id = $2";
    tx.execute(sql, &[&name.as_str(), &role]).await?;
    Ok(())
}

/// Until when a name is blocked for this role; `None` when it is available.
pub(super) async fn retired_until(
    tx: &Transaction<'_>,
    name: &RoleName,
    role: Option<Uuid>,
) -> Result<Option<Timestamp>, DbError> {
    let sql = "select until from auth.retired_role_names
               where name = $1 and until > clock_timestamp() and ($2::uuid is null or role_id is distinct from $2)";
    let row = tx.query_opt(sql, &[&name.as_str(), &role]).await?;
    Ok(row.map(|row| row.try_get("until")).transpose()?)
}

/// Whether the names of all roles fit into `most` bytes, however long they are, with commas between them.
pub(super) async fn all_names_fit(tx: &Transaction<'_>, most: usize) -> Result<bool, DbError> {
    let sql = "select count(*) * ($1::bigint + 1) <= $2::bigint as fit from auth.roles";
    let (longest, most) = (i64::try_from(MAX_BYTES), i64::try_from(most));
    let values = (longest.unwrap_or(i64::MAX), most.unwrap_or(i64::MAX));
    Ok(tx.query_one(sql, &[&values.0, &values.1]).await?.try_get("fit")?)
}

/// Whether more than `most` users have an assignment of the role, expired or not.
pub(super) async fn has_more_holders(tx: &Transaction<'_>, id: Uuid, most: usize) -> Result<bool, DbError> {
    let sql = "select count(*) > $2::bigint as has
               from (select from auth.user_roles where role_id = $1 limit $2::bigint + 1) as few";
    let most = i64::try_from(most).unwrap_or(i64::MAX - 1);
    Ok(tx.query_one(sql, &[&id, &most]).await?.try_get("has")?)
}

/// Whether the role names of any user who has the role exceed `most` bytes, with commas between them.
pub(super) async fn has_too_long_names(tx: &Transaction<'_>, id: Uuid, most: usize) -> Result<bool, DbError> {
    let sql = "select exists (
                   select from auth.user_roles held join auth.roles r on r.id = held.role_id
                   where held.user_id in (select user_id from auth.user_roles where role_id = $1)
                   group by held.user_id having sum(octet_length(r.name) + 1) > $2) as has";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(tx.query_one(sql, &[&id, &most]).await?.try_get("has")?)
}

/// Up to `limit` users who have one of `roles` now, by identifier, after `after`, with all their roles.
pub(super) async fn people_with(
    connection: &Connection,
    roles: &[&str],
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(Uuid, Vec<RoleName>)>, DbError> {
    // Of each role no more than fit on the page: a role may have a million holders.
    let sql = "with people as (
                   select distinct holders.user_id
                   from auth.roles r cross join lateral (
                       select held.user_id from auth.user_roles held
                       where held.role_id = r.id and held.user_id > $2
                         and (held.expires_at is null or held.expires_at > clock_timestamp())
                       order by held.user_id limit $3) as holders
                   where r.name = any($1)
                   order by holders.user_id limit $3
               )
               select held.user_id, array_agg(r.name order by r.name collate \"C\") as names
               from people
               join auth.user_roles held on held.user_id = people.user_id
               join auth.roles r on r.id = held.role_id
               where held.expires_at is null or held.expires_at > clock_timestamp()
               group by held.user_id order by held.user_id";
    let after = after.unwrap_or_default();
    let rows = connection.query(sql, &[&roles, &after, &limit]).await?;
    rows.iter().map(|row| Ok((row.try_get("user_id")?, names(row, "names")?))).collect()
}

/// The number of users who have one of `roles` now; no more than `most` are counted.
pub(super) async fn count_people_with(
    connection: &Connection,
    roles: &[&str],
    most: i64,
) -> Result<i64, DbError> {
    let sql = "select count(*) as people from (
                   select distinct holders.user_id
                   from auth.roles r cross join lateral (
                       select held.user_id from auth.user_roles held
                       where held.role_id = r.id
                         and (held.expires_at is null or held.expires_at > clock_timestamp())
                       order by held.user_id limit $2) as holders
                   where r.name = any($1) limit $2) as counted";
    Ok(connection.query_one(sql, &[&roles, &most]).await?.try_get("people")?)
}

/// Every own permission of any role, with the names of those roles.
pub(super) async fn permissions_in_use(
    connection: &Connection,
) -> Result<BTreeMap<Pattern, Vec<RoleName>>, DbError> {
    let sql = "select p.permission, array_agg(r.name order by r.name collate \"C\") as names
               from auth.role_permissions p join auth.roles r on r.id = p.role_id group by p.permission";
    let rows = connection.query(sql, &[]).await?;
    let mut all = BTreeMap::new();
    for row in &rows {
        if let Ok(pattern) = row.try_get::<_, &str>("permission")?.parse() {
            all.insert(pattern, names(row, "names")?);
        }
    }
    Ok(all)
}

/// Expired assignments.
pub(super) struct Due {
    pub(super) now: Timestamp,
    pub(super) people: Vec<Uuid>,
    /// The next expiry, if any.
    pub(super) next: Option<Timestamp>,
}

/// Up to `limit` users with an expired assignment, and when the next one expires.
pub(super) async fn due(connection: &Connection, limit: i64) -> Result<Due, DbError> {
    let sql = "select clock.now,
                      array(select distinct user_id from (
                                select user_id from auth.user_roles where expires_at <= clock.now
                                order by expires_at limit $1) ended) as people,
                      (select min(expires_at) from auth.user_roles where expires_at > clock.now) as next
               from (select clock_timestamp() as now offset 0) clock";
    let statement = connection.prepare_cached(sql).await?;
    let row = connection.query_one(&statement, &[&limit]).await?;
    Ok(Due { now: row.try_get("now")?, people: row.try_get("people")?, next: row.try_get("next")? })
}

/// Takes the advisory lock for ending assignments until the transaction ends. `false` when another process
/// holds it.
pub(super) async fn try_ends_lock(tx: &Transaction<'_>) -> Result<bool, DbError> {
    let row = tx.query_one("select pg_try_advisory_xact_lock($1) as taken", &[&ENDS_LOCK]).await?;
    Ok(row.try_get("taken")?)
}

fn view(row: &Row) -> Result<RoleView, DbError> {
    Ok(RoleView {
        role_id: row.try_get("id")?,
        name: name(row)?,
        title: row.try_get("title")?,
        description: row.try_get("description")?,
        is_system: row.try_get("is_system")?,
        permissions: permissions(row)?,
        inherits: inherits(row)?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        version: row.try_get("row_version")?,
    })
}

fn name(row: &Row) -> Result<RoleName, DbError> {
    Ok(row.try_get::<_, &str>("name")?.parse().expect("a `check` constraint allows only well-formed names"))
}

/// A `check` constraint keeps patterns well-formed; a malformed one grants nothing.
fn permissions(row: &Row) -> Result<BTreeSet<Pattern>, DbError> {
    let texts: Vec<&str> = row.try_get("permissions")?;
    Ok(texts.into_iter().filter_map(|text| text.parse().ok()).collect())
}

fn inherits(row: &Row) -> Result<BTreeSet<RoleName>, DbError> {
    Ok(names(row, "inherits")?.into_iter().collect())
}

fn names(row: &Row, column: &str) -> Result<Vec<RoleName>, DbError> {
    let texts: Vec<&str> = row.try_get(column)?;
    Ok(texts.into_iter().filter_map(|text| text.parse().ok()).collect())
}
