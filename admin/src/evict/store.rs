//! The SQL of an eviction, apart from that of sessions and users.

use uuid::Uuid;

use crate::db::{DbError, Transaction};

/// Unlinks the accounts that were linked within the last 30 days, and returns their providers. By rules 4 and 7 of
/// docs/social.md, and by any rule after a confirmation, an account is linked to a user who exists; otherwise the user is
/// created with it, and keeps it. Nothing is unlinked from a user who would have no sign-in method left; an account at a
/// provider that is not one of `configured` is none.
pub(super) async fn unlink_recent(
    tx: &Transaction<'_>,
    user: Uuid,
    configured: &[&str],
) -> Result<Vec<String>, DbError> {
    let sql = "with recent as (
                   select provider from auth.oauth_accounts
                   where user_id = $1 and (linked_rule in (4, 7) or confirmed_by is not null)
                     and linked_at > clock_timestamp() - interval '30 days'
               ), has_other as (
                   select exists (select from auth.users
                                  where id = $1 and password_hash is not null
                                    and (email_key is not null or login_key is not null))
                       or exists (select from auth.oauth_accounts
                                  where user_id = $1 and provider = any($2)
                                    and provider not in (select provider from recent)) as has
               )
               delete from auth.oauth_accounts
               where user_id = $1 and provider in (select provider from recent) and (select has from has_other)
               returning provider";
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, &[&user, &configured]).await?;
    rows.iter().map(|row| Ok(row.try_get("provider")?)).collect()
}

/// Unlinks all accounts but those at the providers `kept`, and returns their providers.
pub(super) async fn unlink_all_but(
    tx: &Transaction<'_>,
    user: Uuid,
    kept: &[&str],
) -> Result<Vec<String>, DbError> {
    let sql = "delete from auth.oauth_accounts where user_id = $1 and provider <> all($2) returning provider";
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, &[&user, &kept]).await?;
    rows.iter().map(|row| Ok(row.try_get("provider")?)).collect()
}

/// The providers whose accounts are linked to the user, in the order of linking.
pub(super) async fn linked(tx: &Transaction<'_>, user: Uuid) -> Result<Vec<String>, DbError> {
    let sql = "select provider from auth.oauth_accounts where user_id = $1 order by linked_at, provider collate \"C\"";
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, &[&user]).await?;
    rows.iter().map(|row| Ok(row.try_get("provider")?)).collect()
}

/// Removes the password of the user; `false` if there is none.
pub(super) async fn remove_password(tx: &Transaction<'_>, user: Uuid) -> Result<bool, DbError> {
    let sql = "update auth.users set password_hash = null, password_changed_at = clock_timestamp(),
                   row_version = row_version + 1, updated_at = clock_timestamp()
               where id = $1 and password_hash is not null";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&user]).await? == 1)
}
