//! The SQL of skeletons.

use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::{Connection, DbError};
use crate::users::skeleton::LoginWithoutSkeleton;

/// How many accounts without the skeleton of their login name are read at once.
const SKELETON_BATCH: i64 = 1000;

/// The next accounts after `after` whose skeletons are missing, or were computed by another version of Unicode.
pub(super) async fn without_skeleton(
    connection: &Connection,
    version: &str,
    after: Uuid,
) -> Result<Vec<LoginWithoutSkeleton>, DbError> {
    let sql = "select id, login_key from auth.users
               where login_key is not null and id > $2
                   and (login_skeleton_of is distinct from login_key or login_skeleton_unicode is distinct from $1)
               order by id limit $3";
    let rows = connection.query(sql, &[&version, &after, &SKELETON_BATCH]).await?;
    let read =
        |row: &Row| Ok(LoginWithoutSkeleton { user: row.try_get("id")?, key: row.try_get("login_key")? });
    rows.iter().map(read).collect()
}

/// Sets the skeletons of `logins`, except where an older account has a name that looks alike.
///
/// # Errors
///
/// [`LOGIN_LOOKS_UNIQUE`](crate::users::store::LOGIN_LOOKS_UNIQUE) violated by a name that was taken meanwhile; PostgreSQL unavailable.
pub(super) async fn set_skeletons(
    connection: &Connection,
    logins: &[LoginWithoutSkeleton],
    skeletons: &[String],
    version: &str,
) -> Result<(), DbError> {
    let sql = "update auth.users u
               set login_skeleton = case when new.place = 1 and not exists (
                           select 1 from auth.users other
                           where other.login_skeleton = new.skeleton and other.id <> new.id) then new.skeleton end,
                   login_skeleton_of = new.key, login_skeleton_unicode = $4
               from (select id, key, skeleton, row_number() over (partition by skeleton order by id) as place
                     from unnest($1::uuid[], $2::text[], $3::text[]) as given (id, key, skeleton)) as new
               where u.id = new.id and u.login_key = new.key";
    let (ids, keys): (Vec<Uuid>, Vec<&str>) =
        logins.iter().map(|login| (login.user, login.key.as_str())).unzip();
    connection.execute(sql, &[&ids, &keys, &skeletons, &version]).await?;
    Ok(())
}
