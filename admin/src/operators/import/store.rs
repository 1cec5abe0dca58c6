//! The SQL of the import of accounts.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::{DbError, SqlClient, Transaction};
use crate::passwords::PasswordHash;
use crate::users::{EmailAddress, LoginName, unicode_version};

/// An account to import. Purposefully without `Debug`.
pub(super) struct ImportedUser {
    pub(super) id: Uuid,
    pub(super) email: Option<EmailAddress>,
    pub(super) login: Option<LoginName>,
    pub(super) display_name: Option<String>,
    pub(super) password_hash: PasswordHash,
    pub(super) created_at: Option<Timestamp>,
}

/// The accounts that have one of these identifiers, addresses or login names.
pub(super) async fn find_any(
    client: &impl SqlClient,
    ids: &[Uuid],
    email_keys: &[&str],
    login_keys: &[&str],
    skeletons: &[String],
) -> Result<Vec<KnownUser>, DbError> {
    let sql = "select id, email_key, login_key, login_skeleton, false as is_former from auth.users
               where id = any($1) or email_key = any($2) or login_key = any($3) or login_skeleton = any($4)
               union all
               select user_id, email_key, null, null, true from auth.email_changes
               where email_key = any($2) and undone_at is null and undo_until > clock_timestamp()";
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &[&ids, &email_keys, &login_keys, &skeletons]).await?;
    let read = |row: &Row| {
        Ok(KnownUser {
            id: row.try_get("id")?,
            email_key: row.try_get("email_key")?,
            login_key: row.try_get("login_key")?,
            login_skeleton: row.try_get("login_skeleton")?,
            is_former: row.try_get("is_former")?,
        })
    };
    rows.iter().map(read).collect()
}

/// What identifies an existing account.
pub(super) struct KnownUser {
    pub(super) id: Uuid,
    pub(super) email_key: Option<String>,
    pub(super) login_key: Option<String>,
    pub(super) login_skeleton: Option<String>,
    /// Whether it has another address now, and can still take this one back.
    pub(super) is_former: bool,
}

/// Creates an imported account, and says whether it did: not when its identifier, address or login name is in use.
pub(super) async fn import(tx: &Transaction<'_>, new: &ImportedUser) -> Result<bool, DbError> {
    let sql =
        "insert into auth.users (id, email, email_key, login, login_key, password_hash, password_changed_at,
                   display_name, login_skeleton, login_skeleton_of, login_skeleton_unicode, created_at)
               values ($1, $2, $3, $4, $5, $6, clock_timestamp(), $7, $8, $5,
                   case when $5::text is not null then $9 end, coalesce($10::timestamptz, clock_timestamp()))
               on conflict do nothing";
    let statement = tx.prepare_cached(sql).await?;
    let (email, email_key) = new.email.as_ref().map(|email| (email.as_str(), email.key())).unzip();
    let (login, login_key) = new.login.as_ref().map(|login| (login.as_str(), login.key())).unzip();
    let created = tx
        .execute(
            &statement,
            &[
                &new.id,
                &email,
                &email_key,
                &login,
                &login_key,
                &new.password_hash.as_stored(),
                &new.display_name,
                &new.login.as_ref().map(LoginName::skeleton),
                &unicode_version(),
                &new.created_at,
            ],
        )
        .await?;
    Ok(created == 1)
}
