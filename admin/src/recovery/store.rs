//! The SQL of links.

use tokio_postgres::Row;
use uuid::Uuid;

use super::link_token::{HASH_BYTES, LinkToken};
use super::purpose::LinkPurpose;
use crate::db::{Connection, DbError, SqlClient, Transaction};

/// How many links of one purpose live side by side for a user.
const MOST: i64 = 3;

/// How many rows one statement deletes.
const AT_ONCE: i64 = 1000;

/// The user of an address, who asked for a link. Purposefully without `Debug`: it holds an address.
pub(super) struct ResetCandidate {
    pub(super) user: Uuid,
    pub(super) is_active: bool,
    pub(super) is_superuser: bool,
    pub(super) is_verified: bool,
    pub(super) email: Option<String>,
    pub(super) key: Option<String>,
    pub(super) locale: Option<String>,
}

/// A link as stored.
pub(super) struct StoredLink {
    pub(super) user: Uuid,
    pub(super) purpose: LinkPurpose,
    pub(super) email_key: Option<String>,
    /// Whether it can be used.
    pub(super) is_live: bool,
    /// What it was used with within the last minute.
    pub(super) used_with: Option<String>,
}

macro_rules! candidate {
    ($condition:literal) => {
        concat!(
            "select id, status, is_superuser, email, email_key, locale,
                 email_key is not null and verified_email_key is not distinct from email_key as is_verified
             from auth.users where ",
            $condition,
            " for update"
        )
    };
}

/// The user with this address, locked.
pub(super) async fn by_address(tx: &Transaction<'_>, key: &str) -> Result<Option<ResetCandidate>, DbError> {
    let statement = tx.prepare_cached(candidate!("email_key = $1")).await?;
    tx.query_opt(&statement, &[&key]).await?.as_ref().map(read_candidate).transpose()
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
        is_superuser: row.try_get("is_superuser")?,
        is_verified: row.try_get("is_verified")?,
        email: row.try_get("email")?,
        key: row.try_get("email_key")?,
        locale: row.try_get("locale")?,
    })
}

/// Whether the account is in use: a session was used within 30 days, or a role is held.
pub(super) async fn is_in_use(tx: &Transaction<'_>, user: Uuid) -> Result<bool, DbError> {
    let sql = "select exists (select from auth.sessions
                              where user_id = $1 and last_used_at > clock_timestamp() - interval '30 days')
                   or exists (select from auth.user_roles
                              where user_id = $1 and (expires_at is null or expires_at > clock_timestamp())) as is_in_use";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.query_one(&statement, &[&user]).await?.try_get("is_in_use")?)
}

/// Stores a link of a user, who must be locked, and deletes the oldest unused ones beyond three. A link that is stored
/// already, because its mail is sent again, stays as it is.
pub(super) async fn insert(
    tx: &Transaction<'_>,
    token: &LinkToken,
    user: Uuid,
    purpose: LinkPurpose,
    email_key: Option<&str>,
) -> Result<(), DbError> {
    let sql = "insert into auth.account_links (token_hash, user_id, purpose, email_key, expires_at)
               values ($1, $2, $3, $4, clock_timestamp() + $5::double precision * interval '1 second')
               on conflict on constraint account_links_pkey do nothing";
    let statement = tx.prepare_cached(sql).await?;
    let (hash, life) = (token.hash(), purpose.life().as_secs_f64());
    tx.execute(&statement, &[&hash.as_slice(), &user, &purpose.word(), &email_key, &life]).await?;
    let sql = "delete from auth.account_links where token_hash in (
                   select token_hash from auth.account_links
                   where user_id = $1 and purpose = $2 and used_at is null
                   order by created_at desc offset $3)";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user, &purpose.word(), &MOST]).await?;
    Ok(())
}

/// The link of a token.
pub(super) async fn find(
    client: &impl SqlClient,
    hash: [u8; HASH_BYTES],
) -> Result<Option<StoredLink>, DbError> {
    let sql = "select user_id, purpose, email_key,
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

/// Marks the address as verified if the account, which must be locked, still has it. Returns whether it was not before.
pub(super) async fn verify_address(tx: &Transaction<'_>, user: Uuid, key: &str) -> Result<bool, DbError> {
    let sql = "update auth.users set verified_email_key = email_key, row_version = row_version + 1,
                   updated_at = clock_timestamp()
               where id = $1 and email_key = $2 and verified_email_key is distinct from email_key";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&user, &key]).await? == 1)
}

/// Unlinks all accounts at providers: the holder of the address may not be the user who linked them.
pub(super) async fn unlink_all(tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
    let statement = tx.prepare_cached("delete from auth.oauth_accounts where user_id = $1").await?;
    tx.execute(&statement, &[&user]).await?;
    Ok(())
}

/// Deletes links that expired a day ago, and returns their number.
pub(super) async fn delete_old(connection: &Connection) -> Result<u64, DbError> {
    let sql = "delete from auth.account_links where token_hash in (
                   select token_hash from auth.account_links
                   where expires_at < clock_timestamp() - interval '1 day'
                   limit $1 for update skip locked)";
    let statement = connection.prepare_cached(sql).await?;
    Ok(connection.execute(&statement, &[&AT_ONCE]).await?)
}
