//! The SQL of mails by which an address is proven. Times are those of PostgreSQL.

use std::time::Duration;

use tokio_postgres::Row;
use uuid::Uuid;

use super::code::CodeSource;
use crate::db::{DbError, SqlClient, Transaction};
use crate::mail::CodePurpose;
use crate::purge::{Batch, Purge};

/// How often expired codes are deleted: their rows are bounded in number, so they must not stay for long.
const EVERY: Duration = Duration::from_mins(5);

/// Deletes what was handed over more than an hour ago.
pub(crate) const PURGE: Purge = Purge {
    name: "mail_proofs",
    every: EVERY,
    days: |_| 0,
    batch: Batch::Found(
        "delete from auth.mail_proofs where mail_id in (
             select mail_id from auth.mail_proofs
             where handed_over_at < clock_timestamp() - interval '1 hour' - make_interval(days => $2)
             order by handed_over_at limit $1 for update skip locked)",
    ),
};

/// How many mails live side by side for an address and purpose, and how many codes of a flow count.
const SIDE_BY_SIDE: i64 = 3;

/// How many rows there are at most: as many as mails that may wait.
const MOST: i64 = 100_000;

/// A mail that is about to be handed over.
pub(super) struct NewProof<'p> {
    pub(super) source: CodeSource,
    pub(super) flow: Uuid,
    pub(super) purpose: CodePurpose,
    pub(super) address: &'p [u8],
}

/// What used a flow within the last minute.
pub(super) struct FlowUse {
    pub(super) used_with: String,
    pub(super) session: Option<Uuid>,
}

/// Stores that the mail is handed over now, for the first time or again, and deletes the oldest unused ones of the address
/// beyond three. `false` when there is no room.
pub(super) async fn hand_over(tx: &Transaction<'_>, new: &NewProof<'_>) -> Result<bool, DbError> {
    let sql = "update auth.mail_proofs set handed_over_at = clock_timestamp() where mail_id = $1 and used_at is null";
    let statement = tx.prepare_cached(sql).await?;
    if tx.execute(&statement, &[&new.source.mail]).await? == 1 {
        return Ok(true);
    }
    let sql = "insert into auth.mail_proofs (mail_id, flow_id, purpose, address, code_key, is_long)
               select $1, $2, $3, $4, $5, $6
               where (select count(*) from (select from auth.mail_proofs limit $7) as rows) < $7
               on conflict on constraint mail_proofs_pkey do nothing";
    let statement = tx.prepare_cached(sql).await?;
    let CodeSource { mail, key, is_long } = new.source;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
        [&mail, &new.flow, &new.purpose.word(), &new.address, &i16::from(key), &is_long, &MOST];
    let inserted = tx.execute(&statement, &values).await? == 1;
    let sql = "delete from auth.mail_proofs where mail_id in (
                   select mail_id from auth.mail_proofs
                   where address = $1 and purpose = $2 and used_at is null
                   order by handed_over_at desc offset $3)";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&new.address, &new.purpose.word(), &SIDE_BY_SIDE]).await?;
    Ok(inserted)
}

/// From which the codes of an unused flow follow, whose mails were handed over within the last ten minutes.
pub(super) async fn live_codes(
    client: &impl SqlClient,
    flow: Uuid,
    purpose: CodePurpose,
) -> Result<Vec<CodeSource>, DbError> {
    let sql = "select mail_id, code_key, is_long from auth.mail_proofs
               where flow_id = $1 and purpose = $2 and used_at is null
                 and handed_over_at > clock_timestamp() - interval '10 minutes'
               order by handed_over_at desc limit $3";
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &[&flow, &purpose.word(), &SIDE_BY_SIDE]).await?;
    rows.iter().map(source).collect()
}

/// Whether the link in a mail can be used.
pub(super) async fn is_link_live(client: &impl SqlClient, mail: Uuid, flow: Uuid) -> Result<bool, DbError> {
    let sql = "select exists (select from auth.mail_proofs
                              where mail_id = $1 and flow_id = $2 and used_at is null
                                and handed_over_at > clock_timestamp() - interval '1 hour') as is_live";
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_one(&statement, &[&mail, &flow]).await?.try_get("is_live")?)
}

/// What used the flow within the last minute.
pub(super) async fn recent_use(client: &impl SqlClient, flow: Uuid) -> Result<Option<FlowUse>, DbError> {
    let sql = "select used_with, session_id from auth.mail_proofs
               where flow_id = $1 and used_with is not null and used_at > clock_timestamp() - interval '1 minute'
               limit 1";
    let statement = client.prepare_cached(sql).await?;
    let Some(row) = client.query_opt(&statement, &[&flow]).await? else { return Ok(None) };
    Ok(Some(FlowUse { used_with: row.try_get("used_with")?, session: row.try_get("session_id")? }))
}

/// Uses a flow up, with all of its mails. `false` when it was used before, or has no mail any more.
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn use_up(
    tx: &Transaction<'_>,
    flow: Uuid,
    used_with: &str,
    session: Option<Uuid>,
) -> Result<bool, DbError> {
    let sql = "update auth.mail_proofs set used_at = clock_timestamp(), used_with = $2, session_id = $3
               where flow_id = $1 and used_at is null";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&flow, &used_with, &session]).await? > 0)
}

/// A `check` constraint keeps the number of the key within one byte; 0 would only name another key.
fn source(row: &Row) -> Result<CodeSource, DbError> {
    Ok(CodeSource {
        mail: row.try_get("mail_id")?,
        key: u8::try_from(row.try_get::<_, i16>("code_key")?).unwrap_or(0),
        is_long: row.try_get("is_long")?,
    })
}
