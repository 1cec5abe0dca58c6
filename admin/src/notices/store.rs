//! The SQL of notices.

use std::net::IpAddr;

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::{Connection, DbError, Transaction};
use crate::mail::{NoticeKind, Software};
use crate::purge::{Batch, DAILY, Purge};

/// How many notices of one kind are kept for a user: a user who can cause one kind cannot remove others.
const MOST_OF_KIND: i64 = 20;

/// How many notices a response has.
const MOST: i64 = 200;

/// Deletes notices that are older than 30 days.
pub(crate) const PURGE: Purge = Purge {
    name: "notices",
    every: DAILY,
    days: |_| 30,
    batch: Batch::Found(
        "delete from auth.notices where id in (
             select id from auth.notices where occurred_at < clock_timestamp() - make_interval(days => $2)
             order by occurred_at limit $1 for update skip locked)",
    ),
};

/// A notice before it is inserted.
pub(super) struct NewRow<'r> {
    pub(super) id: Uuid,
    pub(super) user: Uuid,
    pub(super) kind: NoticeKind,
    pub(super) software: Software,
    pub(super) network: Option<IpAddr>,
    pub(super) provider: Option<&'r str>,
}

/// What is known of an inserted notice.
pub(super) struct Inserted {
    pub(super) at: Timestamp,
    /// Whether there was one of the same kind within this hour.
    pub(super) is_repeated: bool,
}

/// How a user is reached. Purposefully without `Debug`: it holds an address.
pub(super) struct Contact {
    /// The address as it was typed, and in lower case.
    pub(super) address: Option<(String, String)>,
    pub(super) is_verified: bool,
    pub(super) is_superuser: bool,
    pub(super) locale: Option<String>,
}

/// A notice as recorded. Purposefully without `Debug`: it is personal.
pub(crate) struct RecordedNotice {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) occurred_at: Timestamp,
    pub(crate) software: Software,
    pub(crate) network: Option<IpAddr>,
    pub(crate) provider: Option<String>,
}

pub(super) async fn insert(tx: &Transaction<'_>, new: &NewRow<'_>) -> Result<Inserted, DbError> {
    let sql = "insert into auth.notices as new (id, user_id, kind, browser, system, network, provider)
               values ($1, $2, $3, $4, $5, $6, $7)
               returning occurred_at, exists (
                   select from auth.notices earlier
                   where earlier.user_id = $2 and earlier.kind = $3
                     and earlier.occurred_at >= date_trunc('hour', new.occurred_at)) as is_repeated";
    let statement = tx.prepare_cached(sql).await?;
    let (browser, system) = new.software.words();
    let row = tx
        .query_one(
            &statement,
            &[&new.id, &new.user, &new.kind.word(), &browser, &system, &new.network, &new.provider],
        )
        .await?;
    Ok(Inserted { at: row.try_get("occurred_at")?, is_repeated: row.try_get("is_repeated")? })
}

/// Deletes the oldest notices of a user who has too many of this kind. Rows that another transaction has locked are left: waiting for
/// them could be a deadlock.
pub(super) async fn trim(tx: &Transaction<'_>, user: Uuid, kind: NoticeKind) -> Result<(), DbError> {
    let sql = "delete from auth.notices where id in (
                   select id from auth.notices where user_id = $1 and kind = $2
                   order by occurred_at desc, id desc offset $3 for update skip locked)";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user, &kind.word(), &MOST_OF_KIND]).await?;
    Ok(())
}

/// The time, by the clock of PostgreSQL.
pub(super) async fn now(tx: &Transaction<'_>) -> Result<Timestamp, DbError> {
    Ok(tx.query_one("select clock_timestamp() as now", &[]).await?.try_get("now")?)
}

/// How the user is reached now. `None` when there is no such user.
pub(super) async fn contact(tx: &Transaction<'_>, user: Uuid) -> Result<Option<Contact>, DbError> {
    let sql = "select email, email_key, locale, is_superuser,
                   email_key is not null and verified_email_key is not distinct from email_key as is_verified
               from auth.users where id = $1";
    let statement = tx.prepare_cached(sql).await?;
    tx.query_opt(&statement, &[&user]).await?.as_ref().map(read_contact).transpose()
}

fn read_contact(row: &Row) -> Result<Contact, DbError> {
    let (email, key): (Option<String>, Option<String>) = (row.try_get("email")?, row.try_get("email_key")?);
    Ok(Contact {
        address: email.zip(key),
        is_verified: row.try_get("is_verified")?,
        is_superuser: row.try_get("is_superuser")?,
        locale: row.try_get("locale")?,
    })
}

/// The notices of a user within the last 30 days, newest first.
pub(crate) async fn of_user(connection: &Connection, user: Uuid) -> Result<Vec<RecordedNotice>, DbError> {
    let sql = "select id, kind, occurred_at, browser, system, network, provider from auth.notices
               where user_id = $1 and occurred_at > clock_timestamp() - interval '30 days'
               order by occurred_at desc, id desc limit $2";
    let statement = connection.prepare_cached(sql).await?;
    connection.query(&statement, &[&user, &MOST]).await?.iter().map(recorded).collect()
}

fn recorded(row: &Row) -> Result<RecordedNotice, DbError> {
    Ok(RecordedNotice {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        occurred_at: row.try_get("occurred_at")?,
        software: Software::of_words(row.try_get("browser")?, row.try_get("system")?),
        network: row.try_get("network")?,
        provider: row.try_get("provider")?,
    })
}
