//! The SQL of changes of addresses that can be undone. Times are those of PostgreSQL.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{DbError, SqlClient, Transaction};
use crate::keys::{HASH_BYTES, LinkToken};
use crate::passwords::PasswordHash;
use crate::purge::{Batch, Purge};
use crate::users::FormerAddress;

/// Deletes changes that can no longer be undone, of accounts that are no longer frozen.
pub(crate) const PURGE: Purge = Purge {
    name: "email_changes",
    every: Duration::from_hours(1),
    days: |_| 0,
    batch: Batch::Found(
        "delete from auth.email_changes where user_id in (
             select user_id from auth.email_changes
             where undo_until < clock_timestamp() - make_interval(days => $2)
               and coalesce(frozen_until < clock_timestamp(), true)
             order by undo_until limit $1 for update skip locked)",
    ),
};

/// A change, as the holder of its link finds it. Purposefully without `Debug`: it is personal.
pub(crate) struct StoredChange {
    pub(crate) user: Uuid,
    pub(crate) former: FormerAddress,
    /// The hash of the password before the change.
    pub(crate) password_hash: Option<PasswordHash>,
    /// The epoch of the devices that were known before the change.
    pub(crate) device_epoch: u64,
    /// The same of the password that a session had replaced shortly before, if it had.
    pub(crate) earlier: Option<(Option<PasswordHash>, u64)>,
    /// Whether it can be undone.
    pub(crate) is_live: bool,
    /// Whether an operator has lifted a freeze.
    pub(crate) is_lifted: bool,
    /// What it was undone with within the last minute.
    pub(crate) undone_with: Option<String>,
}

/// Keeps the `former` address of the user, who must be locked, with the link by which the change is undone. `false` while an
/// earlier change can be undone: of several, the first one counts.
pub(crate) async fn note(
    tx: &Transaction<'_>,
    user: Uuid,
    former: &FormerAddress,
    token: &LinkToken,
) -> Result<bool, DbError> {
    let sql = "insert into auth.email_changes as known
                   (user_id, email, email_key, token_hash, password_hash, device_epoch, earlier_password_hash,
                    earlier_device_epoch, undo_until)
               select u.id, $2, $3, $4, u.password_hash, u.device_epoch, f.password_hash, f.device_epoch,
                   clock_timestamp() + interval '72 hours'
               from auth.users u
               left join auth.former_passwords f on f.user_id = u.id and f.kept_until > clock_timestamp()
               where u.id = $1
               on conflict on constraint email_changes_pkey do update
               set email = excluded.email, email_key = excluded.email_key, token_hash = excluded.token_hash,
                   password_hash = excluded.password_hash, device_epoch = excluded.device_epoch,
                   earlier_password_hash = excluded.earlier_password_hash,
                   earlier_device_epoch = excluded.earlier_device_epoch,
                   changed_at = excluded.changed_at, undo_until = excluded.undo_until, frozen_until = null,
                   lifted_at = null, undone_at = null, undone_with = null
               where known.undone_at is not null or known.undo_until <= clock_timestamp()";
    let statement = tx.prepare_cached(sql).await?;
    let hash = token.hash();
    Ok(tx.execute(&statement, &[&user, &former.email, &former.key, &hash.as_slice()]).await? == 1)
}

/// Until when the sign-in methods of the user are frozen.
pub(crate) async fn frozen_until(client: &impl SqlClient, user: Uuid) -> Result<Option<Timestamp>, DbError> {
    let sql = "select frozen_until as moment from auth.email_changes
               where user_id = $1 and frozen_until > clock_timestamp()";
    moment(client, sql, user).await
}

/// Until when a change of the user's address can be undone.
pub(super) async fn undo_until(client: &impl SqlClient, user: Uuid) -> Result<Option<Timestamp>, DbError> {
    let sql = "select undo_until as moment from auth.email_changes
               where user_id = $1 and undone_at is null and undo_until > clock_timestamp()";
    moment(client, sql, user).await
}

async fn moment(
    client: &impl SqlClient,
    sql: &'static str,
    user: Uuid,
) -> Result<Option<Timestamp>, DbError> {
    let statement = client.prepare_cached(sql).await?;
    client.query_opt(&statement, &[&user]).await?.map(|row| Ok(row.try_get("moment")?)).transpose()
}

/// The user who can still take the address with this key back.
pub(crate) async fn former_holder(client: &impl SqlClient, key: &str) -> Result<Option<Uuid>, DbError> {
    let sql = "select user_id from auth.email_changes
               where email_key = $1 and undone_at is null and undo_until > clock_timestamp()";
    let statement = client.prepare_cached(sql).await?;
    client.query_opt(&statement, &[&key]).await?.map(|row| Ok(row.try_get("user_id")?)).transpose()
}

/// The former address of the user, in lower case, to which a mail may wait.
pub(crate) async fn former_key(tx: &Transaction<'_>, user: Uuid) -> Result<Option<String>, DbError> {
    let statement = tx.prepare_cached("select email_key from auth.email_changes where user_id = $1").await?;
    tx.query_opt(&statement, &[&user]).await?.map(|row| Ok(row.try_get("email_key")?)).transpose()
}

/// The change of a link.
pub(crate) async fn find(
    client: &impl SqlClient,
    hash: [u8; HASH_BYTES],
) -> Result<Option<StoredChange>, DbError> {
    let sql = "select user_id, email, email_key, password_hash, device_epoch, earlier_password_hash,
                   earlier_device_epoch, lifted_at is not null as is_lifted,
                   undone_at is null and undo_until > clock_timestamp() as is_live,
                   case when undone_at > clock_timestamp() - interval '1 minute' then undone_with end as undone_with
               from auth.email_changes where token_hash = $1";
    let statement = client.prepare_cached(sql).await?;
    let Some(row) = client.query_opt(&statement, &[&hash.as_slice()]).await? else { return Ok(None) };
    let hash = |name| -> Result<_, tokio_postgres::Error> {
        Ok(row.try_get::<_, Option<&str>>(name)?.map(PasswordHash::from_stored))
    };
    let earlier_epoch: Option<i64> = row.try_get("earlier_device_epoch")?;
    let earlier_hash = hash("earlier_password_hash")?;
    Ok(Some(StoredChange {
        user: row.try_get("user_id")?,
        former: FormerAddress {
            email: row.try_get("email")?,
            key: row.try_get("email_key")?,
            is_verified: true,
        },
        password_hash: hash("password_hash")?,
        device_epoch: row.try_get::<_, i64>("device_epoch")?.cast_unsigned(),
        earlier: earlier_epoch.map(|epoch| (earlier_hash, epoch.cast_unsigned())),
        is_live: row.try_get("is_live")?,
        is_lifted: row.try_get("is_lifted")?,
        undone_with: row.try_get("undone_with")?,
    }))
}

/// Notes that a change was undone; its user must be locked. `false` when it cannot be undone any more.
pub(crate) async fn use_up(
    tx: &Transaction<'_>,
    hash: [u8; HASH_BYTES],
    user: Uuid,
    undone_with: &str,
) -> Result<bool, DbError> {
    let sql = "update auth.email_changes set undone_at = clock_timestamp(), undone_with = $3, frozen_until = null
               where token_hash = $1 and user_id = $2 and undone_at is null and undo_until > clock_timestamp()";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&hash.as_slice(), &user, &undone_with]).await? == 1)
}

/// Freezes the sign-in methods of the user for 72 hours. `false` when that was done before: it is not prolonged.
pub(crate) async fn freeze(
    tx: &Transaction<'_>,
    hash: [u8; HASH_BYTES],
    user: Uuid,
) -> Result<bool, DbError> {
    let sql = "update auth.email_changes set frozen_until = clock_timestamp() + interval '72 hours'
               where token_hash = $1 and user_id = $2 and frozen_until is null and lifted_at is null
                 and undone_at is null and undo_until > clock_timestamp()";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&hash.as_slice(), &user]).await? == 1)
}

/// Ends the freeze of the user. `false` when there is none.
pub(crate) async fn lift(tx: &Transaction<'_>, user: Uuid) -> Result<bool, DbError> {
    let sql = "update auth.email_changes set frozen_until = null, lifted_at = clock_timestamp()
               where user_id = $1 and frozen_until > clock_timestamp()";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&user]).await? == 1)
}
