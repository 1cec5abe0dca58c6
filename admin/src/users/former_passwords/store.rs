//! The SQL of replaced passwords. Times are those of PostgreSQL.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{DbError, Transaction};
use crate::purge::{Batch, Purge};

/// Deletes passwords that are no longer of use.
pub(crate) const PURGE: Purge = Purge {
    name: "former_passwords",
    every: Duration::from_hours(1),
    days: |_| 0,
    batch: Batch::Found(
        "delete from auth.former_passwords where user_id in (
             select user_id from auth.former_passwords
             where kept_until < clock_timestamp() - make_interval(days => $2)
             order by kept_until limit $1 for update skip locked)",
    ),
};

/// Keeps the password of the user, who must be locked, before a session replaces it.
pub(crate) async fn keep(tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
    let sql = "insert into auth.former_passwords as known (user_id, password_hash, device_epoch, kept_until)
               select id, password_hash, device_epoch, clock_timestamp() + interval '72 hours'
               from auth.users where id = $1
               on conflict on constraint former_passwords_pkey do update
               set password_hash = excluded.password_hash, device_epoch = excluded.device_epoch,
                   kept_until = excluded.kept_until
               where known.kept_until <= clock_timestamp()";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user]).await?;
    Ok(())
}

/// Forgets it: the owner has proven by more than a session to be the owner.
pub(crate) async fn forget(tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
    let statement = tx.prepare_cached("delete from auth.former_passwords where user_id = $1").await?;
    tx.execute(&statement, &[&user]).await?;
    Ok(())
}
