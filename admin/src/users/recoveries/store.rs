//! The SQL of recoveries that take effect later. Times are those of PostgreSQL.

use std::time::Duration;

use uuid::Uuid;

use super::Recovery;
use crate::db::{DbError, SqlClient, Transaction};
use crate::purge::{Batch, Purge};

/// Deletes recoveries that were not completed in time, and objections that no longer count.
pub(crate) const PURGE: Purge = Purge {
    name: "recoveries",
    every: Duration::from_hours(1),
    days: |_| 30,
    batch: Batch::Found(
        "delete from auth.recoveries where user_id in (
             select user_id from auth.recoveries
             where effective_at < clock_timestamp() - interval '7 days'
               and coalesce(objected_at < clock_timestamp() - make_interval(days => $2), true)
             order by effective_at limit $1 for update skip locked)",
    ),
};

/// When a recovery of the user `u` takes effect that can still be completed, as SQL.
macro_rules! pending_recovery {
    () => {
        "(select r.effective_at from auth.recoveries r
          where r.user_id = u.id and r.email_key = u.email_key and r.objected_at is null
            and r.effective_at > clock_timestamp() - interval '7 days')"
    };
}
pub(crate) use pending_recovery;

/// Records that the address of the user, who must be locked, was proven, unless that is recorded already or was objected to;
/// returns what becomes of it, and whether it is new.
pub(crate) async fn note(
    tx: &Transaction<'_>,
    user: Uuid,
    email_key: &str,
) -> Result<(Recovery, bool), DbError> {
    let sql = "insert into auth.recoveries as known (user_id, email_key, effective_at)
               values ($1, $2, clock_timestamp() + interval '72 hours')
               on conflict on constraint recoveries_pkey do update
               set email_key = excluded.email_key, began_at = excluded.began_at, effective_at = excluded.effective_at,
                   objected_at = null
               where known.email_key <> excluded.email_key
                  or coalesce(known.objected_at < clock_timestamp() - interval '30 days',
                              known.effective_at < clock_timestamp() - interval '7 days')";
    let statement = tx.prepare_cached(sql).await?;
    let is_new = tx.execute(&statement, &[&user, &email_key]).await? == 1;
    let sql = "select effective_at, effective_at <= clock_timestamp() as is_due, objected_at is not null as is_objected
               from auth.recoveries where user_id = $1";
    let statement = tx.prepare_cached(sql).await?;
    let row = tx.query_one(&statement, &[&user]).await?;
    let recovery = match (row.try_get("is_objected")?, row.try_get("is_due")?) {
        (true, _) => Recovery::Objected,
        (false, true) => Recovery::Due,
        (false, false) => Recovery::Delayed(row.try_get("effective_at")?),
    };
    Ok((recovery, is_new))
}

/// Whether a session of the user objected to a recovery by this address.
pub(crate) async fn is_objected(
    client: &impl SqlClient,
    user: Uuid,
    email_key: &str,
) -> Result<bool, DbError> {
    let sql = "select exists (select from auth.recoveries
                              where user_id = $1 and email_key = $2
                                and objected_at > clock_timestamp() - interval '30 days') as is_objected";
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_one(&statement, &[&user, &email_key]).await?.try_get("is_objected")?)
}

/// Objects to a recovery of the user that is not completed. `false` when there is none.
pub(crate) async fn object(tx: &Transaction<'_>, user: Uuid) -> Result<bool, DbError> {
    let sql = "update auth.recoveries set objected_at = clock_timestamp()
               where user_id = $1 and objected_at is null and effective_at > clock_timestamp() - interval '7 days'";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&user]).await? == 1)
}

/// Makes a recovery of the user void; an objection stays.
pub(crate) async fn make_void(tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
    let sql = "delete from auth.recoveries where user_id = $1 and objected_at is null";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user]).await?;
    Ok(())
}
