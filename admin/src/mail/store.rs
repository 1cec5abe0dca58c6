//! The SQL of the outbox. Times are those of PostgreSQL, so that all admins have one clock.

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::{Connection, DbError, Transaction};
use crate::purge::{Batch, Purge};

/// Notified by every mail.
pub(super) const CHANNEL: &str = "usher_mail";

/// Deletes mails whose time is over, if no worker does: for a service that sends none.
pub(crate) const PURGE: Purge = Purge {
    name: "mail_outbox",
    every: Duration::from_hours(1),
    days: |_| 0,
    batch: Batch::Found(
        "delete from auth.mail_outbox where id in (
             select id from auth.mail_outbox where not_after < clock_timestamp() - make_interval(days => $2)
             limit $1 for update skip locked)",
    ),
};

/// The state of the outbox.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutboxStatus {
    /// How many mails wait.
    pub waiting: u64,
    /// For how many seconds the oldest of them could have been sent.
    pub oldest_seconds: f64,
    /// Whether further mails are dropped.
    pub is_full: bool,
}

/// A row before it is inserted.
pub(super) struct OutboxRow<'r> {
    pub(super) id: Uuid,
    pub(super) kind: &'static str,
    pub(super) mailbox: &'r [u8],
    pub(super) language: Option<&'static str>,
    pub(super) recipient: &'r [u8],
    pub(super) parameters: &'r [u8],
    pub(super) merged_for: Option<Uuid>,
    pub(super) life: Duration,
}

/// A mail that this process alone may send for a while.
#[derive(Clone)]
pub(super) struct ClaimedMail {
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) mailbox: Vec<u8>,
    pub(super) language: Option<String>,
    pub(super) recipient: Vec<u8>,
    pub(super) parameters: Vec<u8>,
    pub(super) times: i32,
    /// Which attempt this is. Another process that claims the mail after the lease has a higher number.
    pub(super) attempts: i32,
    pub(super) created_at: Timestamp,
    /// For how long it may still be sent; zero if it may not.
    pub(super) remaining: Duration,
}

/// Inserts a mail unless `most` are waiting; a repeated one is added to the one that waits for the end of the hour.
/// `false` when there is no room.
pub(super) async fn insert(tx: &Transaction<'_>, row: &OutboxRow<'_>, most: u64) -> Result<bool, DbError> {
    let sql = "insert into auth.mail_outbox as waiting
                   (id, kind, mailbox, language, recipient, parameters, merge_key, not_after, next_attempt_at)
               select $1, $2, $3, $4, $5, $6,
                   $2 || ' ' || $7::uuid || ' ' || extract(epoch from moment.hour)::bigint,
                   moment.now + $8::double precision * interval '1 second',
                   case when $7 is null then moment.now else moment.hour + interval '1 hour' end
               from (select clock_timestamp() as now, date_trunc('hour', clock_timestamp()) as hour) as moment
               where (select count(*) from (select from auth.mail_outbox limit $9) as rows) < $9
               on conflict (mailbox, merge_key) where merge_key is not null
               do update set times = waiting.times + 1, parameters = excluded.parameters";
    let statement = tx.prepare_cached(sql).await?;
    let inserted = tx
        .execute(
            &statement,
            &[
                &row.id,
                &row.kind,
                &row.mailbox,
                &row.language,
                &row.recipient,
                &row.parameters,
                &row.merged_for,
                &row.life.as_secs_f64(),
                &i64::try_from(most).unwrap_or(i64::MAX),
            ],
        )
        .await?;
    if inserted == 0 {
        return Ok(false);
    }
    tx.execute("select pg_notify($1, '')", &[&CHANNEL]).await?;
    Ok(true)
}

/// Claims the mail that has been due for longest, for the time of `lease`. `None` if none is due.
pub(super) async fn claim(connection: &Connection, lease: Duration) -> Result<Option<ClaimedMail>, DbError> {
    let sql = "update auth.mail_outbox as mail
               set attempts = mail.attempts + 1,
                   next_attempt_at = clock_timestamp() + $1::double precision * interval '1 second'
               where id = (select id from auth.mail_outbox where next_attempt_at <= clock_timestamp()
                           order by next_attempt_at, id limit 1 for update skip locked)
               returning id, kind, mailbox, language, recipient, parameters, times, attempts, created_at,
                   extract(epoch from not_after - clock_timestamp())::double precision as remaining";
    let statement = connection.prepare_cached(sql).await?;
    connection.query_opt(&statement, &[&lease.as_secs_f64()]).await?.as_ref().map(claimed).transpose()
}

/// Deletes a mail that was handed over or given up. It stays if another process has claimed it, or if a further notice
/// was added to it meanwhile.
pub(super) async fn delete(connection: &Connection, mail: &ClaimedMail) -> Result<(), DbError> {
    let sql = "delete from auth.mail_outbox where id = $1 and attempts = $2 and times = $3";
    let statement = connection.prepare_cached(sql).await?;
    connection.execute(&statement, &[&mail.id, &mail.attempts, &mail.times]).await?;
    Ok(())
}

/// Deletes all mails to a mailbox, and merged notices about a user to any.
pub(super) async fn delete_of(
    tx: &Transaction<'_>,
    user: Uuid,
    mailbox: Option<&[u8]>,
) -> Result<(), DbError> {
    let sql = "delete from auth.mail_outbox where mailbox = $1 or position($2 in merge_key) > 0";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&mailbox, &user.to_string()]).await?;
    Ok(())
}

/// Lets the mail be sent again after `pause`, unless another process has claimed it.
pub(super) async fn postpone(
    connection: &Connection,
    mail: &ClaimedMail,
    pause: Duration,
) -> Result<(), DbError> {
    let sql = "update auth.mail_outbox
               set next_attempt_at = clock_timestamp() + $3::double precision * interval '1 second'
               where id = $1 and attempts = $2";
    let statement = connection.prepare_cached(sql).await?;
    connection.execute(&statement, &[&mail.id, &mail.attempts, &pause.as_secs_f64()]).await?;
    Ok(())
}

/// In how long the next mail is due; `None` if none waits.
pub(super) async fn next_due(connection: &Connection) -> Result<Option<Duration>, DbError> {
    let sql =
        "select extract(epoch from min(next_attempt_at) - clock_timestamp())::double precision as seconds
               from auth.mail_outbox";
    let statement = connection.prepare_cached(sql).await?;
    let seconds: Option<f64> = connection.query_one(&statement, &[]).await?.try_get("seconds")?;
    Ok(seconds.map(duration))
}

/// The state of the outbox; counts no further than `most`.
pub(super) async fn status(connection: &Connection, most: u64) -> Result<OutboxStatus, DbError> {
    let sql = "select count(*) as waiting,
                   coalesce(extract(epoch from clock_timestamp() - min(created_at)
                       filter (where attempts > 0 or next_attempt_at <= clock_timestamp())), 0)::double precision
                       as oldest
               from (select created_at, attempts, next_attempt_at from auth.mail_outbox limit $1) as rows";
    let statement = connection.prepare_cached(sql).await?;
    let row = connection.query_one(&statement, &[&i64::try_from(most).unwrap_or(i64::MAX)]).await?;
    let waiting = row.try_get::<_, i64>("waiting")?.cast_unsigned();
    let oldest_seconds = row.try_get::<_, f64>("oldest")?.max(0.0);
    Ok(OutboxStatus { waiting, oldest_seconds, is_full: waiting >= most })
}

fn claimed(row: &Row) -> Result<ClaimedMail, DbError> {
    Ok(ClaimedMail {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        mailbox: row.try_get("mailbox")?,
        language: row.try_get("language")?,
        recipient: row.try_get("recipient")?,
        parameters: row.try_get("parameters")?,
        times: row.try_get("times")?,
        attempts: row.try_get("attempts")?,
        created_at: row.try_get("created_at")?,
        remaining: duration(row.try_get("remaining")?),
    })
}

/// A duration in seconds; none if it is negative.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}
