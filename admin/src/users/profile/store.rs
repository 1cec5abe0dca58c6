//! The SQL of profiles.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{OwnRole, Profile, ProfileChange};
use crate::db::{Connection, DbError};
use crate::users::recoveries::store::pending_recovery;

/// The profile, with the current roles, for a token of this `auth_time`.
pub(crate) async fn profile(
    connection: &Connection,
    id: Uuid,
    auth_time: Timestamp,
) -> Result<Option<Profile>, DbError> {
    let sql = concat!(
        "select u.id, email, login, u.display_name, first_name, last_name, phone, locale, is_superuser,
                   created_at, updated_at, row_version, password_hash is not null as has_password,
                   email_key is not null and verified_email_key is not distinct from email_key as email_verified,
                   email_key is null and exists (select from auth.former_emails f where f.user_id = u.id)
                       as needs_email,
                   ",
        pending_recovery!(),
        " as recovery_at,
                   array(select a.provider from auth.oauth_accounts a where a.user_id = u.id
                         order by a.linked_at, a.provider collate \"C\") as linked_providers,
                   roles.names as role_names, roles.titles as role_titles
               from auth.users u
               cross join lateral (
                   select coalesce(array_agg(r.name order by r.name collate \"C\"), '{}') as names,
                          coalesce(array_agg(r.title order by r.name collate \"C\"), '{}') as titles
                   from auth.user_roles held join auth.roles r on r.id = held.role_id
                   where held.user_id = u.id
                     and (held.expires_at is null or held.expires_at > clock_timestamp())
               ) roles
               where u.id = $1"
    );
    let statement = connection.prepare_cached(sql).await?;
    let row = connection.query_opt(&statement, &[&id]).await?;
    row.as_ref().map(|row| read_profile(row, auth_time)).transpose()
}

macro_rules! new_profile {
    () => {
        "case when $3 then $4 else display_name end, case when $5 then $6 else first_name end,
         case when $7 then $8 else last_name end, case when $9 then $10 else phone end,
         case when $11 then $12 else locale end"
    };
}

/// Changes the profile if its version is one of `versions`, or in any case when `versions` is `None`. `false`
/// when it had another version. A profile that is already the same keeps its version.
pub(crate) async fn change_profile(
    connection: &Connection,
    id: Uuid,
    change: &ProfileChange,
    versions: Option<&[i64]>,
) -> Result<bool, DbError> {
    let sql = concat!(
        "update auth.users set
             row_version = row_version
                 + ((display_name, first_name, last_name, phone, locale) is distinct from (",
        new_profile!(),
        "))::int,
             updated_at = case
                 when (display_name, first_name, last_name, phone, locale) is distinct from (",
        new_profile!(),
        ") then clock_timestamp() else updated_at end,
             (display_name, first_name, last_name, phone, locale) = row(",
        new_profile!(),
        ")
         where id = $1 and ($2::bigint[] is null or row_version = any($2))"
    );
    let statement = connection.prepare_cached(sql).await?;
    let (sets_display, display) = change.display_name.to_sql();
    let (sets_first, first) = change.first_name.to_sql();
    let (sets_last, last) = change.last_name.to_sql();
    let (sets_phone, phone) = change.phone.to_sql();
    let (sets_locale, locale) = change.locale.to_sql();
    let changed = connection
        .execute(
            &statement,
            &[
                &id,
                &versions,
                &sets_display,
                &display,
                &sets_first,
                &first,
                &sets_last,
                &last,
                &sets_phone,
                &phone,
                &sets_locale,
                &locale,
            ],
        )
        .await?;
    Ok(changed == 1)
}

fn read_profile(row: &Row, auth_time: Timestamp) -> Result<Profile, DbError> {
    Ok(Profile {
        user_id: row.try_get("id")?,
        email: row.try_get("email")?,
        login: row.try_get("login")?,
        display_name: row.try_get("display_name")?,
        first_name: row.try_get("first_name")?,
        last_name: row.try_get("last_name")?,
        phone: row.try_get("phone")?,
        locale: row.try_get("locale")?,
        email_verified: row.try_get("email_verified")?,
        needs_email: row.try_get("needs_email")?,
        recovery_at: row.try_get("recovery_at")?,
        has_password: row.try_get("has_password")?,
        linked_providers: row.try_get("linked_providers")?,
        roles: own_roles(row)?,
        is_superuser: row.try_get("is_superuser")?,
        auth_time,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        version: row.try_get("row_version")?,
    })
}

fn own_roles(row: &Row) -> Result<Vec<OwnRole>, DbError> {
    let (names, titles): (Vec<String>, Vec<Option<String>>) =
        (row.try_get("role_names")?, row.try_get("role_titles")?);
    Ok(names.into_iter().zip(titles).map(|(name, title)| OwnRole { name, title }).collect())
}
