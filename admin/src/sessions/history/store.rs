//! The SQL of the login history, except its partitions.

use std::net::IpAddr;

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::entry::{Event, HistoryEntry};
use crate::actor::Actor;
use crate::config::RetentionConfig;
use crate::db::{Conditions, Connection, Db, DbError, Transaction};
use crate::purge::{Batch, DAILY, Purge};

/// Shortens addresses to their network: the first address of the /24 or /48.
pub(crate) const SHORTEN_ADDRESSES: Purge = Purge {
    name: "login_history_addresses",
    every: DAILY,
    days: RetentionConfig::whole_address_days,
    batch: Batch::Walked(
        "with part as materialized (
             select id, occurred_at from auth.login_history
             where address is not null and not is_address_short
               and occurred_at >= coalesce(nullif($3::text, ''), '-infinity')::timestamptz
               and occurred_at < now() - make_interval(days => $2)
             order by occurred_at limit $1 for update skip locked
         ), short as (
             update auth.login_history h
             set is_address_short = true,
                 address = host(network(set_masklen(h.address, case family(h.address) when 4 then 24 else 48 end)))::inet
             from part where h.id = part.id and h.occurred_at = part.occurred_at returning 1
         )
         select (select count(*) from part) as examined, (select count(*) from short) as changed,
             (select max(occurred_at)::text from part) as last",
    ),
};

/// An entry with all its fields. Owned, so that writing it may outlive the request.
pub(super) struct NewEntry {
    id: Uuid,
    entry: HistoryEntry,
    address: Option<IpAddr>,
    user_agent: Option<String>,
    request_id: Option<String>,
}

/// An entry that stands for several attempts.
pub(super) struct Bundled {
    pub(super) id: Uuid,
    /// The beginning of its window.
    pub(super) occurred_at: Timestamp,
    pub(super) user: Option<Uuid>,
    pub(super) event: Event,
    pub(super) address: Option<IpAddr>,
    pub(super) request_id: String,
    pub(super) attempts: u32,
}

/// An entry as recorded.
pub(super) struct RecordedEvent {
    pub(super) id: Uuid,
    pub(super) occurred_at: Timestamp,
    pub(super) event: String,
    pub(super) session: Option<Uuid>,
    pub(super) address: Option<IpAddr>,
    pub(super) user_agent: Option<String>,
    pub(super) attempts: u32,
    pub(super) provider: Option<String>,
}

impl NewEntry {
    pub(super) fn new(id: Uuid, actor: &Actor, entry: HistoryEntry) -> Self {
        let client = Some(actor.client()).filter(|_| !entry.event.is_of_another());
        Self {
            id,
            entry,
            address: client.and_then(|client| client.address),
            user_agent: client.and_then(|client| client.user_agent.clone()),
            request_id: actor.request_id().map(str::to_owned),
        }
    }
}

/// Writes an entry in a transaction of its own with short timeouts, so that it returns its connection soon.
pub(super) async fn insert(db: Db, new: NewEntry) -> Result<(), DbError> {
    let sql = "insert into auth.login_history
                   (id, user_id, session_id, event, reason, address, user_agent, request_id, provider)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let mut connection = db.get().await?;
    let tx = connection.begin().await?;
    tx.batch_execute("set local lock_timeout = '500ms'; set local statement_timeout = '1s'").await?;
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(
        &statement,
        &[
            &new.id,
            &new.entry.user,
            &new.entry.session,
            &new.entry.event.name(),
            &new.entry.event.reason(),
            &new.address,
            &new.user_agent,
            &new.request_id,
            &new.entry.event.provider(),
        ],
    )
    .await?;
    tx.commit().await
}

/// Adds attempts to the rows that stand for many, each of which exists once for all services.
pub(super) async fn add(tx: &Transaction<'_>, rows: &[Bundled]) -> Result<(), DbError> {
    // Rows are locked in the order of their identifiers, so that two services do not wait for each other.
    let sql = "insert into auth.login_history as history
                   (id, occurred_at, user_id, event, reason, address, request_id, attempts)
               values ($1, $2, $3, $4, $5, $6, $7, $8)
               on conflict (id, occurred_at) do update
               set attempts = least(coalesce(history.attempts, 1)::bigint + excluded.attempts, 2147483647)";
    let statement = tx.prepare_cached(sql).await?;
    let mut rows: Vec<&Bundled> = rows.iter().collect();
    rows.sort_unstable_by_key(|row| row.id);
    for row in rows {
        let attempts = i32::try_from(row.attempts).unwrap_or(i32::MAX);
        tx.execute(
            &statement,
            &[
                &row.id,
                &row.occurred_at,
                &row.user,
                &row.event.name(),
                &row.event.reason(),
                &row.address,
                &row.request_id,
                &attempts,
            ],
        )
        .await?;
    }
    Ok(())
}

/// Up to `limit` entries of a user, newest first, after the position `before`.
pub(super) async fn page(
    connection: &Connection,
    user: Uuid,
    before: Option<(Timestamp, Uuid)>,
    limit: i64,
) -> Result<Vec<RecordedEvent>, DbError> {
    let (moment, id) = before.unzip();
    let mut asked = Conditions::default();
    asked.add("user_id = $?", Some(&user));
    if let (Some(moment), Some(id)) = (&moment, &id) {
        let (moment, id) = (asked.place(moment), asked.place(id));
        asked.require(format!("(occurred_at, id) < ({moment}, {id})"));
    }
    let limit = asked.place(&limit);
    let sql = format!(
        "select id, occurred_at, event, session_id, address, user_agent, coalesce(attempts, 1) as attempts, provider
         from auth.login_history where {} order by occurred_at desc, id desc limit {limit}",
        asked.text()
    );
    let statement = connection.prepare_cached(&sql).await?;
    connection.query(&statement, asked.values()).await?.iter().map(recorded).collect()
}

fn recorded(row: &Row) -> Result<RecordedEvent, DbError> {
    Ok(RecordedEvent {
        id: row.try_get("id")?,
        occurred_at: row.try_get("occurred_at")?,
        event: row.try_get("event")?,
        session: row.try_get("session_id")?,
        address: row.try_get("address")?,
        user_agent: row.try_get("user_agent")?,
        attempts: row.try_get::<_, i32>("attempts")?.cast_unsigned(),
        provider: row.try_get("provider")?,
    })
}
