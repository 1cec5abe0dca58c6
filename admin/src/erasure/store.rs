//! The SQL of erasures.

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::record::ErasureRecord;
use crate::db::{Connection, DbError, SqlClient, Transaction};
use crate::pending_erasure::ErasureFlow;
use crate::purge::{Batch, DAILY, Purge};

/// Deletes records of erasures after 37 months.
pub(crate) const RECORDS: Purge = Purge {
    name: "erasures",
    every: DAILY,
    days: |_| 1127,
    batch: Batch::Found(
        "delete from auth.erasures where user_id in (
             select user_id from auth.erasures where erased_at < clock_timestamp() - make_interval(days => $2)
             order by erased_at limit $1 for update skip locked)",
    ),
};

/// Deletes what requests in progress wrote about users after these had been erased.
pub(crate) const LATE_ROWS: Purge = Purge {
    name: "erased_users",
    every: Duration::from_hours(1),
    // An operator who must keep the history keeps it.
    days: |retention| if retention.history_hold.is_some() { 0 } else { 2 },
    batch: Batch::Found(
        "with erased as (
             select user_id from auth.erasures where erased_at > clock_timestamp() - make_interval(days => $2)
         ), history as (
             delete from auth.login_history where (id, occurred_at) in (
                 select id, occurred_at from auth.login_history where user_id in (select user_id from erased) limit $1)
             returning 1
         )
         delete from auth.notices where id in (
             select id from auth.notices where user_id in (select user_id from erased) limit $1)",
    ),
};

/// Deletes which erasures users did not want after all.
pub(crate) const KEPT: Purge = Purge {
    name: "kept_erasures",
    every: DAILY,
    days: |_| 1,
    batch: Batch::Found(
        "delete from auth.kept_erasures where user_id in (
             select user_id from auth.kept_erasures where kept_at < clock_timestamp() - make_interval(days => $2)
             order by user_id limit $1 for update skip locked)",
    ),
};

/// What of a user is deleted, by category. The user is the last.
const CATEGORIES: &[(&str, &str)] = &[
    (LOGIN_HISTORY, "delete from auth.login_history where user_id = $1"),
    ("notices", "delete from auth.notices where user_id = $1"),
    ("sessions", "delete from auth.sessions where user_id = $1"),
    ("provider_accounts", "delete from auth.oauth_accounts where user_id = $1"),
    ("roles", "delete from auth.user_roles where user_id = $1"),
    ("networks", "delete from auth.known_networks where user_id = $1"),
    ("links", "delete from auth.account_links where user_id = $1"),
    ("address_changes", "delete from auth.email_changes where user_id = $1"),
    ("former_passwords", "delete from auth.former_passwords where user_id = $1"),
    ("consents", "delete from auth.consents where user_id = $1"),
    ("recoveries", "delete from auth.recoveries where user_id = $1"),
    ("former_addresses", "delete from auth.former_emails where user_id = $1"),
    ("profile", "delete from auth.users where id = $1"),
];

const LOGIN_HISTORY: &str = "login_history";

/// What an erasure depends on.
pub(super) struct ErasureState {
    pub(super) is_superuser: bool,
    /// When the user will be erased, if so.
    pub(super) due_at: Option<Timestamp>,
}

/// The state of a user; `None` if there is none.
pub(super) async fn state(tx: &Transaction<'_>, user: Uuid) -> Result<Option<ErasureState>, DbError> {
    let sql = "select u.is_superuser, p.due_at from auth.users u
               left join auth.pending_erasures p on p.user_id = u.id where u.id = $1";
    let row = tx.query_opt(sql, &[&user]).await?;
    row.map(|row| {
        Ok(ErasureState { is_superuser: row.try_get("is_superuser")?, due_at: row.try_get("due_at")? })
    })
    .transpose()
}

/// Begins the erasure of a user, and returns when it is due.
pub(super) async fn begin(
    tx: &Transaction<'_>,
    user: Uuid,
    grace: Duration,
    origin: &str,
) -> Result<Timestamp, DbError> {
    let sql = "with pending as (
                   insert into auth.pending_erasures (user_id, requested_at, due_at, origin, was_disabled)
                   select u.id, now.moment, now.moment + $2::double precision * interval '1 second', $3,
                       u.status = 'disabled'
                   from auth.users u cross join (select clock_timestamp() as moment) as now where u.id = $1
                   returning user_id, due_at
               )
               update auth.users u set status = 'erasing', row_version = row_version + 1,
                   updated_at = clock_timestamp()
               from pending where u.id = pending.user_id returning pending.due_at";
    Ok(tx.query_one(sql, &[&user, &grace.as_secs_f64(), &origin]).await?.try_get("due_at")?)
}

/// Ends the erasure of a user: the account is as it was before. Which erasure that was stays known for a while.
pub(super) async fn keep(tx: &Transaction<'_>, user: Uuid) -> Result<(), DbError> {
    let sql = "with kept as (
                   delete from auth.pending_erasures where user_id = $1
                   returning user_id, requested_at, was_disabled
               ), noted as (
                   insert into auth.kept_erasures (user_id, requested_at) select user_id, requested_at from kept
                   on conflict on constraint kept_erasures_pkey do update
                   set requested_at = excluded.requested_at, kept_at = clock_timestamp()
               )
               update auth.users u set status = case when kept.was_disabled then 'disabled' else 'active' end,
                   row_version = row_version + 1, updated_at = clock_timestamp()
               from kept where u.id = kept.user_id and u.status = 'erasing'";
    tx.execute(sql, &[&user]).await?;
    Ok(())
}

/// Whether the user kept the account within the last minute, after this erasure had begun.
pub(super) async fn is_just_kept(tx: &Transaction<'_>, flow: &ErasureFlow) -> Result<bool, DbError> {
    let sql = "select exists (
                   select from auth.kept_erasures
                   where user_id = $1 and requested_at = $2 and kept_at > clock_timestamp() - interval '1 minute'
               ) as is_just";
    Ok(tx.query_one(sql, &[&flow.user, &flow.requested_at]).await?.try_get("is_just")?)
}

/// Whether this erasure was done within the last minute.
pub(super) async fn is_just_done(tx: &Transaction<'_>, flow: &ErasureFlow) -> Result<bool, DbError> {
    let sql = "select exists (
                   select from auth.erasures
                   where user_id = $1 and requested_at = $2 and erased_at > clock_timestamp() - interval '1 minute'
               ) as is_just";
    Ok(tx.query_one(sql, &[&flow.user, &flow.requested_at]).await?.try_get("is_just")?)
}

/// When the pending erasure is due, if the user asked for it, and no operator did.
pub(super) async fn asked_by_user(tx: &Transaction<'_>, user: Uuid) -> Result<Option<Timestamp>, DbError> {
    let sql = "select due_at from auth.pending_erasures where user_id = $1 and origin = 'user'";
    tx.query_opt(sql, &[&user]).await?.map(|row| Ok(row.try_get("due_at")?)).transpose()
}

/// A user whose erasure is due, locked exclusively; `None` if there is none, or another admin has it. Never the last
/// superuser.
pub(super) async fn lock_due(tx: &Transaction<'_>) -> Result<Option<Uuid>, DbError> {
    let sql = "select id from auth.users
               where status = 'erasing' and id = (
                   select p.user_id from auth.pending_erasures p join auth.users u on u.id = p.user_id
                   where p.due_at <= clock_timestamp()
                     and (not u.is_superuser or exists (
                         select from auth.users o where o.is_superuser and o.status = 'active' and o.id <> u.id))
                     and not exists (
                         select from auth.email_changes c
                         where c.user_id = u.id
                           and (c.undone_at is null and c.undo_until > clock_timestamp()
                                or c.frozen_until > clock_timestamp()))
                   order by p.due_at limit 1)
               for update skip locked";
    let row = tx.query_opt(sql, &[]).await?;
    row.map(|row| Ok(row.try_get("id")?)).transpose()
}

/// Deletes everything of a user whose erasure has begun, and writes the record. Returns the categories.
pub(super) async fn delete_all(
    tx: &Transaction<'_>,
    user: Uuid,
    keeps_history: bool,
) -> Result<Vec<&'static str>, DbError> {
    let record = "insert into auth.erasures (user_id, requested_at, origin, categories)
                  select user_id, requested_at, origin, '{}' from auth.pending_erasures where user_id = $1
                  on conflict (user_id) do update
                  set requested_at = excluded.requested_at, erased_at = clock_timestamp(), origin = excluded.origin,
                      acknowledged_at = null";
    tx.execute(record, &[&user]).await?;
    // The roles that the user assigned to others stay.
    tx.execute("update auth.user_roles set granted_by = null where granted_by = $1", &[&user]).await?;
    let mut destroyed = Vec::new();
    for (category, delete) in CATEGORIES {
        let is_kept = keeps_history && *category == LOGIN_HISTORY;
        if !is_kept && tx.execute(*delete, &[&user]).await? > 0 {
            destroyed.push(*category);
        }
    }
    tx.execute("update auth.erasures set categories = $2 where user_id = $1", &[&user, &destroyed]).await?;
    Ok(destroyed)
}

/// The erasures that the reader of the feed has not acknowledged, the oldest first.
pub(super) async fn unacknowledged(
    connection: &Connection,
    limit: i64,
) -> Result<Vec<ErasureRecord>, DbError> {
    let sql = "select user_id, requested_at, erased_at, origin, categories from auth.erasures
               where acknowledged_at is null order by erased_at, user_id limit $1";
    let statement = connection.prepare_cached(sql).await?;
    connection.query(&statement, &[&limit]).await?.iter().map(record).collect()
}

/// Up to `limit` records after a user, in the order of the identifiers.
pub(crate) async fn all(
    client: &impl SqlClient,
    after: Uuid,
    limit: i64,
) -> Result<Vec<ErasureRecord>, DbError> {
    let sql = "select user_id, requested_at, erased_at, origin, categories from auth.erasures
               where user_id > $1 order by user_id limit $2";
    let statement = client.prepare_cached(sql).await?;
    client.query(&statement, &[&after, &limit]).await?.iter().map(record).collect()
}

/// Notes that the reader of the feed has erased the user, too. `false` if there is no such erasure.
pub(super) async fn acknowledge(connection: &Connection, user: Uuid) -> Result<bool, DbError> {
    let sql = "update auth.erasures set acknowledged_at = coalesce(acknowledged_at, clock_timestamp())
               where user_id = $1";
    let statement = connection.prepare_cached(sql).await?;
    Ok(connection.execute(&statement, &[&user]).await? == 1)
}

fn record(row: &Row) -> Result<ErasureRecord, DbError> {
    Ok(ErasureRecord {
        user_id: row.try_get("user_id")?,
        requested_at: row.try_get("requested_at")?,
        erased_at: row.try_get("erased_at")?,
        origin: row.try_get("origin")?,
        categories: row.try_get("categories")?,
    })
}
