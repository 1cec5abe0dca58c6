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
    /// How the user confirmed that it is theirs, if the rule required that.
    pub(super) confirmed_by: Option<ConfirmedBy>,
}

/// How a user confirmed that an identity belongs to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConfirmedBy {
    /// With the password of the account.
    Password,
    /// With another identity that is linked to the account.
    Provider,
    /// With a code from a mail to its address.
    Mail,
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

impl ConfirmedBy {
    fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Provider => "provider",
            Self::Mail => "mail",
        }
    }
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

/// Whether an operator invited the user, who has not used the invitation yet.
pub(super) async fn is_invited(tx: &Transaction<'_>, user: Uuid) -> Result<bool, DbError> {
    let sql = "select exists (
                   select from auth.account_links link join auth.users u on u.id = link.user_id
                   where link.user_id = $1 and link.purpose = 'invitation' and link.used_at is null
                     and link.expires_at > clock_timestamp() and u.password_hash is null
                     and not exists (select from auth.oauth_accounts linked where linked.user_id = $1)) as is_invited";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.query_one(&statement, &[&user]).await?.try_get("is_invited")?)
}

/// Links an identity; `false` when it is already linked, or the user has another one of this provider.
pub(super) async fn insert(tx: &Transaction<'_>, link: &Link<'_>) -> Result<bool, DbError> {
    let sql = "insert into auth.oauth_accounts (provider, subject, user_id, linked_rule, confirmed_by, email,
                   is_email_vouched, display_name)
               values ($1, $2, $3, $4, $5, $6, $7, $8)
               on conflict do nothing";
    let statement = tx.prepare_cached(sql).await?;
    let Snapshot { email, is_email_vouched, display_name } = &link.snapshot;
    let rule = i16::from(link.rule);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] = [
        &link.provider,
        &link.subject,
        &link.user,
        &rule,
        &link.confirmed_by.map(ConfirmedBy::as_str),
        email,
        is_email_vouched,
        display_name,
    ];
    Ok(tx.execute(&statement, &values).await? == 1)
}

/// Stores how the provider describes a linked identity now; `false` when it is no longer linked
/// to this user. The rule by which it was linked stays.
pub(super) async fn update(tx: &Transaction<'_>, link: &Link<'_>) -> Result<bool, DbError> {
    let sql = "update auth.oauth_accounts set email = $4, is_email_vouched = $5, display_name = $6
               where provider = $1 and subject = $2 and user_id = $3";
    let statement = tx.prepare_cached(sql).await?;
    let Snapshot { email, is_email_vouched, display_name } = &link.snapshot;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&link.provider, &link.subject, &link.user, email, is_email_vouched, display_name];
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

/// Links the accounts at providers of one user to another one, who has none there; both are locked. Returns the providers.
/// They count as linked by the user (rule 4), whatever they were before: an eviction unlinks them.
pub(crate) async fn move_links(tx: &Transaction<'_>, from: Uuid, into: Uuid) -> Result<Vec<String>, DbError> {
    let sql = "update auth.oauth_accounts set user_id = $2, linked_at = clock_timestamp(), linked_rule = 4
               where user_id = $1
                 and provider not in (select provider from auth.oauth_accounts where user_id = $2)
               returning provider";
    let rows = tx.query(sql, &[&from, &into]).await?;
    let mut providers: Vec<String> =
        rows.iter().map(|row| Ok(row.try_get("provider")?)).collect::<Result<_, DbError>>()?;
    providers.sort_unstable();
    Ok(providers)
}

/// The providers at which the user has a linked account.
pub(crate) async fn linked_providers(tx: &Transaction<'_>, user: Uuid) -> Result<Vec<String>, DbError> {
    let sql = "select provider from auth.oauth_accounts where user_id = $1 order by provider collate \"C\"";
    tx.query(sql, &[&user]).await?.iter().map(|row| Ok(row.try_get("provider")?)).collect()
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
