//! The SQL of links.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::purpose::LinkPurpose;
use crate::access;
use crate::db::{DbError, SqlClient, Transaction};
use crate::keys::{HASH_BYTES, LinkToken};
use crate::providers::same_mailbox;
use crate::purge::{Batch, DAILY, Purge};

/// How many links of one purpose live side by side for a user.
const MOST: i64 = 3;

/// Deletes links that expired a day ago.
pub(crate) const PURGE: Purge = Purge {
    name: "account_links",
    every: DAILY,
    days: |_| 1,
    batch: Batch::Found(
        "delete from auth.account_links where token_hash in (
             select token_hash from auth.account_links
             where expires_at < clock_timestamp() - make_interval(days => $2)
             order by expires_at limit $1 for update skip locked)",
    ),
};

/// The user of an address, who asked for a link. Purposefully without `Debug`: it holds an address.
pub(super) struct ResetCandidate {
    pub(super) user: Uuid,
    pub(super) is_active: bool,
    /// When it will be erased, if so; until then its user may keep it.
    pub(super) erase_at: Option<Timestamp>,
    pub(super) is_superuser: bool,
    pub(super) is_verified: bool,
    pub(super) email: Option<String>,
    pub(super) key: Option<String>,
    pub(super) locale: Option<String>,
}

impl ResetCandidate {
    /// Whether the user is a superuser or holds a right of this service.
    pub(super) async fn is_operator(&self, tx: &Transaction<'_>) -> Result<bool, DbError> {
        Ok(self.is_superuser || access::holds_right(tx, self.user).await?)
    }
}

/// A link before it is stored.
pub(super) struct NewLink<'l> {
    pub(super) token: &'l LinkToken,
    pub(super) user: Uuid,
    pub(super) purpose: LinkPurpose,
    /// The address to which it is mailed.
    pub(super) email_key: Option<&'l str>,
    /// Whether the user is an operator now.
    pub(super) is_for_operator: bool,
}

/// A link as stored.
pub(super) struct StoredLink {
    pub(super) user: Uuid,
    pub(super) purpose: LinkPurpose,
    pub(super) email_key: Option<String>,
    /// Whether the user was an operator when it was ordered.
    pub(super) is_for_operator: bool,
    /// Whether it can be used.
    pub(super) is_live: bool,
    /// What it was used with within the last minute.
    pub(super) used_with: Option<String>,
}

macro_rules! candidate {
    ($condition:literal) => {
        concat!(
            "select id, status, is_superuser, email, email_key, locale,
                 email_key is not null and verified_email_key is not distinct from email_key as is_verified,
                 (select p.due_at from auth.pending_erasures p
                  where p.user_id = users.id and users.status = 'erasing') as erase_at
             from auth.users where ",
            $condition,
            " for update"
        )
    };
}

/// The user with this address, locked; or the one who has proven another address of the same mailbox.
pub(super) async fn by_address(tx: &Transaction<'_>, key: &str) -> Result<Option<ResetCandidate>, DbError> {
    let statement = tx.prepare_cached(candidate!("email_key = $1")).await?;
    let holder = tx.query_opt(&statement, &[&key]).await?.as_ref().map(read_candidate).transpose()?;
    let addresses = same_mailbox(key);
    if addresses.len() == 1 || holder.as_ref().is_some_and(|holder| holder.is_verified) {
        return Ok(holder);
    }
    let sql = candidate!("email_key = any($1) and verified_email_key = email_key order by id limit 1");
    let statement = tx.prepare_cached(sql).await?;
    let other = tx.query_opt(&statement, &[&addresses]).await?.as_ref().map(read_candidate).transpose()?;
    Ok(other.or(holder))
}

/// The user with this identifier, locked.
pub(super) async fn by_id(tx: &Transaction<'_>, id: Uuid) -> Result<Option<ResetCandidate>, DbError> {
    let statement = tx.prepare_cached(candidate!("id = $1")).await?;
    tx.query_opt(&statement, &[&id]).await?.as_ref().map(read_candidate).transpose()
}

fn read_candidate(row: &Row) -> Result<ResetCandidate, DbError> {
    Ok(ResetCandidate {
        user: row.try_get("id")?,
        is_active: row.try_get::<_, &str>("status")? == crate::users::store::ACTIVE,
        erase_at: row.try_get("erase_at")?,
        is_superuser: row.try_get("is_superuser")?,
        is_verified: row.try_get("is_verified")?,
        email: row.try_get("email")?,
        key: row.try_get("email_key")?,
        locale: row.try_get("locale")?,
    })
}

/// Stores a link of a user, who must be locked, and makes the oldest unused ones beyond three void. If the link is stored
/// already, because its mail is sent only now or again, its life begins again. `false` when it was used or made void, or the user
/// has become an operator since.
pub(super) async fn insert(tx: &Transaction<'_>, link: &NewLink<'_>) -> Result<bool, DbError> {
    let sql = "insert into auth.account_links as known
                   (token_hash, user_id, purpose, email_key, is_for_operator, expires_at)
               values ($1, $2, $3, $4, $5, clock_timestamp() + $6::double precision * interval '1 second')
               on conflict on constraint account_links_pkey do update set expires_at = excluded.expires_at
                   where known.used_at is null and (known.is_for_operator or not excluded.is_for_operator)";
    let statement = tx.prepare_cached(sql).await?;
    let NewLink { token, user, purpose, email_key, is_for_operator } = *link;
    let (hash, word, life) = (token.hash(), purpose.word(), purpose.life().as_secs_f64());
    let stored = tx
        .execute(&statement, &[&hash.as_slice(), &user, &word, &email_key, &is_for_operator, &life])
        .await?;
    let sql = "update auth.account_links set used_at = clock_timestamp() where token_hash in (
                   select token_hash from auth.account_links
                   where user_id = $1 and purpose = $2 and used_at is null
                   order by created_at desc offset $3)";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user, &word, &MOST]).await?;
    Ok(stored == 1)
}

/// The link of a token.
pub(super) async fn find(
    client: &impl SqlClient,
    hash: [u8; HASH_BYTES],
) -> Result<Option<StoredLink>, DbError> {
    let sql = "select user_id, purpose, email_key, is_for_operator,
                   used_at is null and expires_at > clock_timestamp() as is_live,
                   case when used_at > clock_timestamp() - interval '1 minute' then used_with end as used_with
               from auth.account_links where token_hash = $1";
    let statement = client.prepare_cached(sql).await?;
    let Some(row) = client.query_opt(&statement, &[&hash.as_slice()]).await? else { return Ok(None) };
    let Some(purpose) = LinkPurpose::of_word(row.try_get("purpose")?) else { return Ok(None) };
    Ok(Some(StoredLink {
        user: row.try_get("user_id")?,
        purpose,
        email_key: row.try_get("email_key")?,
        is_for_operator: row.try_get("is_for_operator")?,
        is_live: row.try_get("is_live")?,
        used_with: row.try_get("used_with")?,
    }))
}

/// Uses the link up; its user must be locked. `false` when it cannot be used any more.
pub(super) async fn use_up(
    tx: &Transaction<'_>,
    hash: [u8; HASH_BYTES],
    user: Uuid,
    used_with: &str,
) -> Result<bool, DbError> {
    let sql = "update auth.account_links set used_at = clock_timestamp(), used_with = $3
               where token_hash = $1 and user_id = $2 and used_at is null and expires_at > clock_timestamp()";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&hash.as_slice(), &user, &used_with]).await? == 1)
}

/// Uses up a link to an export, and returns its user; the same link again within a minute. `None` when it cannot be used,
/// or the account has another address by now, or is not active.
pub(crate) async fn use_export_link(
    tx: &Transaction<'_>,
    token: &LinkToken,
) -> Result<Option<Uuid>, DbError> {
    let Some(link) = find(&**tx, token.hash()).await? else { return Ok(None) };
    let is_right = link.purpose == LinkPurpose::Export;
    let Some(candidate) = by_id(tx, link.user).await?.filter(|_| is_right) else { return Ok(None) };
    if !candidate.is_active || !candidate.is_verified || candidate.key != link.email_key {
        return Ok(None);
    }
    let is_used = link.is_live && use_up(tx, token.hash(), link.user, LinkPurpose::Export.word()).await?;
    Ok((is_used || link.used_with.is_some()).then_some(link.user))
}
