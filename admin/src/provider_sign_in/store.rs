//! The SQL about the accounts at identity providers that are linked to users. Only the statement that locks the owner
//! of one is elsewhere, in `users::store`, which alone creates a `LockedAccount`.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::{DbError, SqlClient, Transaction};

/// A link between an identity and a user. Purposefully without `Debug`: it holds an address.
pub(super) struct Link<'n> {
    pub(super) provider: &'n str,
    pub(super) subject: &'n str,
    pub(super) user: Uuid,
    pub(super) rule: u8,
    pub(super) snapshot: Snapshot<'n>,
    /// The key of the address that the provider vouches for: it is marked as verified if it is the user's.
    pub(super) proven: Option<&'n str>,
    /// Whether a session is opened with it now.
    pub(super) is_sign_in: bool,
}

/// The data that is stored about an identity.
#[derive(Clone, Copy)]
pub(super) struct Snapshot<'n> {
    pub(super) email: Option<&'n str>,
    pub(super) is_email_vouched: bool,
    pub(super) display_name: Option<&'n str>,
}

/// A linked account, as its owner or an operator sees it.
pub(super) struct LinkedAccount {
    pub(super) provider: String,
    pub(super) subject: String,
    pub(super) email: Option<String>,
    pub(super) is_email_vouched: bool,
    pub(super) display_name: Option<String>,
    pub(super) linked_at: Timestamp,
    pub(super) linked_rule: i16,
    pub(super) last_login_at: Option<Timestamp>,
}

/// A statement about the link ($1, $2) to a user ($3), which also marks the user's address as verified if its key is $4.
/// Otherwise a user would lose the address to themselves after a sign-in through another provider.
macro_rules! proving {
    ($statement:literal) => {
        concat!(
            "with proven as (
                 update auth.users set verified_email_key = email_key
                 where id = $3 and email_key = $4 and verified_email_key is distinct from email_key
             ) ",
            $statement
        )
    };
}

/// The user who owns an identity.
pub(super) async fn owner(
    tx: &Transaction<'_>,
    provider: &str,
    subject: &str,
) -> Result<Option<Uuid>, DbError> {
    let sql = "select user_id from auth.oauth_accounts where provider = $1 and subject = $2";
    let statement = tx.prepare_cached(sql).await?;
    let row = tx.query_opt(&statement, &[&provider, &subject]).await?;
    Ok(row.map(|row| row.try_get("user_id")).transpose()?)
}

/// Links an identity; `false` when it is already linked, or the user has another one of this provider.
pub(super) async fn insert(tx: &Transaction<'_>, link: &Link<'_>) -> Result<bool, DbError> {
    let sql = proving!(
        "insert into auth.oauth_accounts (provider, subject, user_id, linked_rule, email,
             is_email_vouched, display_name, last_login_at)
         values ($1, $2, $3, $5, $6, $7, $8, case when $9 then clock_timestamp() end)
         on conflict do nothing"
    );
    let statement = tx.prepare_cached(sql).await?;
    let Snapshot { email, is_email_vouched, display_name } = &link.snapshot;
    let rule = i16::from(link.rule);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 9] = [
        &link.provider,
        &link.subject,
        &link.user,
        &link.proven,
        &rule,
        email,
        is_email_vouched,
        display_name,
        &link.is_sign_in,
    ];
    Ok(tx.execute(&statement, &values).await? == 1)
}

/// Stores how the provider describes a linked identity now, and a sign-in with it; `false` when it is no longer linked
/// to this user. The rule by which it was linked stays.
pub(super) async fn update(tx: &Transaction<'_>, link: &Link<'_>) -> Result<bool, DbError> {
    let sql = proving!(
        "update auth.oauth_accounts set email = $5, is_email_vouched = $6, display_name = $7,
             last_login_at = case when $8 then clock_timestamp() else last_login_at end
         where provider = $1 and subject = $2 and user_id = $3"
    );
    let statement = tx.prepare_cached(sql).await?;
    let Snapshot { email, is_email_vouched, display_name } = &link.snapshot;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] = [
        &link.provider,
        &link.subject,
        &link.user,
        &link.proven,
        email,
        is_email_vouched,
        display_name,
        &link.is_sign_in,
    ];
    Ok(tx.execute(&statement, &values).await? == 1)
}

/// Stores the time of a sign-in with an identity; `false` when it is no longer linked to this user.
pub(super) async fn record_sign_in(
    tx: &Transaction<'_>,
    provider: &str,
    subject: &str,
    user: Uuid,
) -> Result<bool, DbError> {
    let sql = "update auth.oauth_accounts set last_login_at = clock_timestamp()
               where provider = $1 and subject = $2 and user_id = $3";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&provider, &subject, &user]).await? == 1)
}

/// The accounts that are linked to a user, in the order of linking.
pub(super) async fn list(client: &impl SqlClient, user: Uuid) -> Result<Vec<LinkedAccount>, DbError> {
    let sql = "select provider, subject, email, is_email_vouched, display_name, linked_at, linked_rule, last_login_at
               from auth.oauth_accounts where user_id = $1 order by linked_at, provider collate \"C\"";
    let statement = client.prepare_cached(sql).await?;
    client.query(&statement, &[&user]).await?.iter().map(account).collect()
}

/// Unlinks the account at a provider from a user; `false` when none is linked.
pub(super) async fn delete(tx: &Transaction<'_>, user: Uuid, provider: &str) -> Result<bool, DbError> {
    let sql = "delete from auth.oauth_accounts where user_id = $1 and provider = $2";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&user, &provider]).await? == 1)
}

fn account(row: &Row) -> Result<LinkedAccount, DbError> {
    Ok(LinkedAccount {
        provider: row.try_get("provider")?,
        subject: row.try_get("subject")?,
        email: row.try_get("email")?,
        is_email_vouched: row.try_get("is_email_vouched")?,
        display_name: row.try_get("display_name")?,
        linked_at: row.try_get("linked_at")?,
        linked_rule: row.try_get("linked_rule")?,
        last_login_at: row.try_get("last_login_at")?,
    })
}
