//! The SQL of the owners of e-mail addresses.

use std::cmp::Reverse;

use uuid::Uuid;

use crate::db::{DbError, SqlClient, Transaction};
use crate::providers::same_mailbox;
use crate::purge::{Batch, DAILY, Purge};
use crate::users::LockedAccount;
use crate::users::store::account;

/// Deletes the tags of addresses that users lost more than twelve months ago.
pub(crate) const PURGE: Purge = Purge {
    name: "former_emails",
    every: DAILY,
    days: |_| 365,
    batch: Batch::Found(
        "delete from auth.former_emails f using (
             select user_id, email_hmac from auth.former_emails
             where withdrawn_at < clock_timestamp() - make_interval(days => $2)
             order by withdrawn_at limit $1 for update skip locked) old
         where f.user_id = old.user_id and f.email_hmac = old.email_hmac",
    ),
};

/// The owner of an e-mail address, locked.
pub(crate) enum EmailOwner<'t> {
    /// An account that may sign in.
    Active(LockedAccount<'t>),
    /// An account that will be erased, and has verified the address.
    Erasing(Uuid),
    /// A disabled account, which has verified the address.
    Disabled,
    /// An account that may not sign in, and has never verified the address.
    DisabledUnverified,
}

/// What a user sees of an account before declining it.
pub(crate) struct AccountSummary {
    /// The year and month of its creation, as `2026-03`.
    pub(crate) created_in: String,
    /// Whether it has a role, or is a superuser's.
    pub(crate) has_role: bool,
}

/// The users who have an address of this mailbox now. Locks nothing.
pub(crate) async fn holders(tx: &Transaction<'_>, key: &str) -> Result<Vec<Uuid>, DbError> {
    let statement = tx.prepare_cached("select id from auth.users where email_key = any($1)").await?;
    let rows = tx.query(&statement, &[&same_mailbox(key)]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// The owner of the address with this key, locked exclusively until the transaction ends: the account that has it, or one that
/// has proven another address of the same mailbox.
pub(crate) async fn lock_owner_of_mailbox<'t>(
    tx: &'t Transaction<'_>,
    key: &str,
) -> Result<Option<EmailOwner<'t>>, DbError> {
    let owner = lock_owner(tx, &same_mailbox(key)).await?;
    let is_proven = match &owner {
        Some(EmailOwner::Active(account)) => account.unverified_email().is_none(),
        Some(EmailOwner::Erasing(_) | EmailOwner::Disabled) => true,
        Some(EmailOwner::DisabledUnverified) | None => false,
    };
    match is_proven {
        true => Ok(owner),
        // That another address was only typed says nothing about this one.
        false => lock_owner(tx, &[key.to_owned()]).await,
    }
}

/// The owner of a mailbox, by the keys of its addresses, locked exclusively until the transaction ends. If several accounts
/// have one of them, it is an account that has verified its address, then an active one, then the one with the first key,
/// then the oldest.
pub(crate) async fn lock_owner<'t>(
    tx: &'t Transaction<'_>,
    keys: &[String],
) -> Result<Option<EmailOwner<'t>>, DbError> {
    let sql = "select id, password_hash, status, email_key, login_key, display_name, first_name, last_name,
                   device_epoch, attempt_epoch, false as is_known_network,
                   case when verified_email_key is distinct from email_key then email_key end as unverified_email
               from auth.users where email_key = any($1) order by id for update";
    let statement = tx.prepare_cached(sql).await?;
    let (mut best, mut best_rank) = (None, None);
    for row in tx.query(&statement, &[&keys]).await? {
        let is_first = row.try_get::<_, Option<&str>>("email_key")? == keys.first().map(String::as_str);
        let is_verified = row.try_get::<_, Option<&str>>("unverified_email")?.is_none();
        let account = account(&row)?;
        let (user, is_erasing) = (account.id, account.is_erasing);
        let owner = match LockedAccount::new(account) {
            Some(owner) => EmailOwner::Active(owner),
            None if is_verified && is_erasing => EmailOwner::Erasing(user),
            None if is_verified => EmailOwner::Disabled,
            None => EmailOwner::DisabledUnverified,
        };
        let is_active = matches!(owner, EmailOwner::Active(_));
        let rank = (Reverse(is_verified), Reverse(is_active), Reverse(is_first));
        if best_rank.is_none_or(|best_rank| rank < best_rank) {
            (best, best_rank) = (Some(owner), Some(rank));
        }
    }
    Ok(best)
}

/// Marks the address with this key as verified; `false` when it already was, or the user, who must be locked, has another
/// one.
pub(crate) async fn verify(tx: &Transaction<'_>, user: Uuid, key: &str) -> Result<bool, DbError> {
    let sql = "update auth.users set verified_email_key = email_key, row_version = row_version + 1,
                   updated_at = clock_timestamp()
               where id = $1 and email_key = $2 and verified_email_key is distinct from email_key";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&user, &key]).await? == 1)
}

/// Sets an address that the user, who must be locked, has proven. Begins no new generation of tokens.
///
/// # Errors
///
/// [`EMAIL_IS_UNIQUE`](crate::users::store::EMAIL_IS_UNIQUE) violated, or PostgreSQL unavailable.
pub(crate) async fn set_proven(
    tx: &Transaction<'_>,
    id: Uuid,
    (email, key): (&str, &str),
) -> Result<(), DbError> {
    let sql = "update auth.users set email = $2, email_key = $3, verified_email_key = $3, row_version = row_version + 1,
                   updated_at = clock_timestamp()
               where id = $1";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&id, &email, &key]).await?;
    Ok(())
}

/// What a user sees of an account before declining it; `None` when it does not exist.
pub(crate) async fn summary(client: &impl SqlClient, user: Uuid) -> Result<Option<AccountSummary>, DbError> {
    let sql = "select to_char(u.created_at at time zone 'UTC', 'YYYY-MM') as created_in,
                   u.is_superuser or exists (
                       select from auth.user_roles held where held.user_id = u.id
                         and (held.expires_at is null or held.expires_at > clock_timestamp())) as has_role
               from auth.users u where u.id = $1";
    let statement = client.prepare_cached(sql).await?;
    let Some(row) = client.query_opt(&statement, &[&user]).await? else { return Ok(None) };
    let (created_in, has_role) = (row.try_get("created_in")?, row.try_get("has_role")?);
    Ok(Some(AccountSummary { created_in, has_role }))
}

/// Whether the account is in use: a session was used within 30 days, or a role is held.
pub(crate) async fn is_in_use(tx: &Transaction<'_>, user: Uuid) -> Result<bool, DbError> {
    let sql = "select exists (select from auth.sessions
                              where user_id = $1 and last_used_at > clock_timestamp() - interval '30 days')
                   or exists (select from auth.user_roles
                              where user_id = $1 and (expires_at is null or expires_at > clock_timestamp())) as is_in_use";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.query_one(&statement, &[&user]).await?.try_get("is_in_use")?)
}

/// Removes the address from its owner.
pub(super) async fn withdraw(tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
    let sql = "update auth.users set email = null, email_key = null, verified_email_key = null,
                   row_version = row_version + 1, updated_at = clock_timestamp()
               where id = $1";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user]).await?;
    Ok(())
}

/// Stores the tag of an address that the user has lost.
pub(super) async fn remember(tx: &Transaction<'_>, user: Uuid, tag: &[u8]) -> Result<(), DbError> {
    let sql = "insert into auth.former_emails (user_id, email_hmac) values ($1, $2)
               on conflict (user_id, email_hmac) do update set withdrawn_at = excluded.withdrawn_at";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user, &tag]).await?;
    Ok(())
}
