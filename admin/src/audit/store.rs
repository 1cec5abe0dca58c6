//! The SQL of the audit log.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::entry::{AuditAction, kind_of};
use super::personal::{Commitment, Entropy};
use super::seal::{AuditRow, ChainPosition, Seal, SealFormat};
use crate::actor::Actor;
use crate::db::{Conditions, Connection, DbError, SqlClient, Transaction};

/// The filters.
#[derive(Debug, Default)]
pub(super) struct AuditFilter {
    pub(super) actor: Option<Uuid>,
    pub(super) action: Option<String>,
    pub(super) target: Option<String>,
}

/// The end of the chain, and the time of the next row.
pub(super) struct ChainHead {
    pub(super) seq: i64,
    pub(super) seal: Seal,
    /// The number of the master key of its seal; `None` before the first row.
    pub(super) key: Option<u8>,
    pub(super) now: Timestamp,
    /// From which salts are made.
    pub(super) entropy: Entropy,
}

/// A row with its seal, as read.
pub(super) struct Sealed {
    pub(super) row: AuditRow,
    /// Whether the columns that were read are all that the row contains.
    pub(super) is_readable: bool,
    pub(super) key: u8,
    pub(super) seal: Vec<u8>,
}

/// The end of the chain, locked exclusively until the transaction ends. Its time is never before that of the
/// previous row: the clock may have been read before the lock was taken.
pub(super) async fn lock_head(tx: &Transaction<'_>) -> Result<ChainHead, DbError> {
    let sql = "select seq, seal, seal_key, greatest(clock_timestamp(), occurred_at) as now,
                   uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) as entropy
               from auth.audit_head for update";
    let statement = tx.prepare_cached(sql).await?;
    let row = tx.query_one(&statement, &[]).await?;
    let entropy = Entropy::new(row.try_get("entropy")?);
    let key = row.try_get::<_, Option<i16>>("seal_key")?.map(|key| u8::try_from(key).unwrap_or(0));
    Ok(ChainHead { seq: row.try_get("seq")?, seal: seal(&row)?, key, now: row.try_get("now")?, entropy })
}

/// Whether this actor has the same action and target in the log within the last hour. Only for the actions that are
/// recorded once: their names are literals, so that the planner can use the index of these rows.
pub(super) async fn is_noted(
    client: &impl SqlClient,
    actor: &Actor,
    action: AuditAction,
    target: &str,
) -> Result<bool, DbError> {
    let sql = "select exists (
                   select from auth.audit_log
                   where action in ('call_denied', 'user_viewed', 'users_searched')
                     and actor_id is not distinct from $1 and actor_kind = $4 and action = $2 and target_id = $3
                     and occurred_at > now() - interval '1 hour') as is_noted";
    let statement = client.prepare_cached(sql).await?;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&actor.user(), &action.name(), &target, &kind_of(actor)];
    let row = client.query_one(&statement, &values).await?;
    Ok(row.try_get("is_noted")?)
}

/// The current end of the chain.
pub(super) async fn head(connection: &Connection) -> Result<ChainPosition, DbError> {
    let row = connection.query_one("select seq, seal from auth.audit_head", &[]).await?;
    Ok(ChainPosition { seq: row.try_get("seq")?, seal: seal(&row)? })
}

/// Inserts rows, and makes the last one the end of the chain.
const APPEND: &str = "with appended as (
                   insert into auth.audit_log (seq, occurred_at, actor_kind, actor_id, action, target_kind,
                       target_id, detail, address, request_id, seal_key, seal, format, texts, address_salt,
                       address_commitment, texts_salt, texts_commitment)
                   select new.seq, new.occurred_at, new.actor_kind, new.actor_id, new.action, new.target_kind,
                       new.target_id, new.detail::json, new.address, new.request_id, new.seal_key, new.seal,
                       new.format, new.texts::json, new.address_salt, new.address_commitment, new.texts_salt,
                       new.texts_commitment
                   from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::uuid[], $5::text[], $6::text[],
                       $7::text[], $8::text[], $9::inet[], $10::text[], $11::smallint[], $12::bytea[],
                       $13::smallint[], $14::text[], $15::bytea[], $16::bytea[], $17::bytea[], $18::bytea[])
                       as new (seq, occurred_at, actor_kind, actor_id, action, target_kind, target_id, detail,
                           address, request_id, seal_key, seal, format, texts, address_salt, address_commitment,
                           texts_salt, texts_commitment)
                   returning seq, occurred_at, seal, seal_key
               )
               update auth.audit_head set seq = last.seq, occurred_at = last.occurred_at, seal = last.seal,
                   seal_key = last.seal_key
               from (select seq, occurred_at, seal, seal_key from appended order by seq desc limit 1) last";

/// Inserts rows with their keys and seals; the last one becomes the end of the chain.
pub(super) async fn append(tx: &Transaction<'_>, rows: &[(AuditRow, u8, Seal)]) -> Result<(), DbError> {
    let statement = tx.prepare_cached(APPEND).await?;
    let seq: Vec<_> = rows.iter().map(|(row, ..)| row.seq).collect();
    let moments: Vec<_> = rows.iter().map(|(row, ..)| row.occurred_at).collect();
    let actor_kinds: Vec<_> = rows.iter().map(|(row, ..)| row.actor_kind.as_str()).collect();
    let actors: Vec<_> = rows.iter().map(|(row, ..)| row.actor_id).collect();
    let actions: Vec<_> = rows.iter().map(|(row, ..)| row.action.as_str()).collect();
    let target_kinds: Vec<_> = rows.iter().map(|(row, ..)| row.target_kind.as_str()).collect();
    let targets: Vec<_> = rows.iter().map(|(row, ..)| row.target_id.as_str()).collect();
    let details: Vec<_> = rows.iter().map(|(row, ..)| row.detail.as_str()).collect();
    let addresses: Vec<_> = rows.iter().map(|(row, ..)| row.address).collect();
    let requests: Vec<_> = rows.iter().map(|(row, ..)| row.request_id.as_deref()).collect();
    let keys: Vec<_> = rows.iter().map(|(_, key, _)| i16::from(*key)).collect();
    let seals: Vec<_> = rows.iter().map(|(.., seal)| seal.as_slice()).collect();
    let formats: Vec<_> = rows.iter().map(|(row, ..)| row.format.number()).collect();
    let texts: Vec<_> = rows.iter().map(|(row, ..)| row.texts.as_deref()).collect();
    let part = |part: fn(&AuditRow) -> &Option<Vec<u8>>| -> Vec<_> {
        rows.iter().map(|(row, ..)| part(row).as_deref()).collect()
    };
    let address_salts = part(|row| &row.address_commitment.salt);
    let address_digests = part(|row| &row.address_commitment.digest);
    let texts_salts = part(|row| &row.texts_commitment.salt);
    let texts_digests = part(|row| &row.texts_commitment.digest);
    tx.execute(
        &statement,
        &[
            &seq,
            &moments,
            &actor_kinds,
            &actors,
            &actions,
            &target_kinds,
            &targets,
            &details,
            &addresses,
            &requests,
            &keys,
            &seals,
            &formats,
            &texts,
            &address_salts,
            &address_digests,
            &texts_salts,
            &texts_digests,
        ],
    )
    .await?;
    Ok(())
}

/// Rows after `after`, in order.
pub(super) async fn rows(connection: &Connection, after: i64, limit: i64) -> Result<Vec<Sealed>, DbError> {
    // This service never writes an address with a netmask or an infinite time; reading one would hide what
    // the row contains.
    let sql = "select seq, case when isfinite(occurred_at) then occurred_at else to_timestamp(0) end as occurred_at,
                   actor_kind, actor_id, action, target_kind, target_id, detail::text as detail, address,
                   request_id, seal_key, seal, format, texts::text as texts, address_salt, address_commitment,
                   texts_salt, texts_commitment,
                   isfinite(occurred_at) and (address is null or address = host(address)::inet) as is_readable
               from auth.audit_log where seq > $1 order by seq limit $2";
    let statement = connection.prepare_cached(sql).await?;
    let rows = connection.query(&statement, &[&after, &limit]).await?;
    let sealed = |found: &Row| {
        Ok(Sealed {
            row: row(found)?,
            is_readable: found.try_get("is_readable")?,
            // A `check` constraint keeps it within one byte.
            key: u8::try_from(found.try_get::<_, i16>("seal_key")?).unwrap_or(0),
            seal: found.try_get("seal")?,
        })
    };
    rows.iter().map(sealed).collect()
}

/// Up to `limit` rows that match `filter`, newest first, before the position `before`.
pub(super) async fn page(
    connection: &Connection,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<AuditRow>, DbError> {
    let mut asked = Conditions::default();
    asked.add("actor_id = $?", filter.actor.as_ref());
    asked.add("action = $?", filter.action.as_ref());
    asked.add("target_id = $?", filter.target.as_ref());
    asked.add("seq < $?", before.as_ref());
    let limit = asked.place(&limit);
    let sql = format!(
        "select seq, occurred_at, actor_kind, actor_id, action, target_kind, target_id,
                   detail::text as detail, address, request_id, format, texts::text as texts, address_salt,
                   address_commitment, texts_salt, texts_commitment
               from auth.audit_log
               where {} order by seq desc limit {limit}",
        asked.text()
    );
    let rows = connection.query(&sql, asked.values()).await?;
    rows.iter().map(row).collect()
}

fn row(row: &Row) -> Result<AuditRow, DbError> {
    Ok(AuditRow {
        seq: row.try_get("seq")?,
        occurred_at: row.try_get("occurred_at")?,
        actor_kind: row.try_get("actor_kind")?,
        actor_id: row.try_get("actor_id")?,
        action: row.try_get("action")?,
        target_kind: row.try_get("target_kind")?,
        target_id: row.try_get("target_id")?,
        // A `check` constraint allows only known ones.
        format: SealFormat::of_number(row.try_get("format")?).unwrap_or(SealFormat::Plain),
        detail: row.try_get("detail")?,
        address: row.try_get("address")?,
        address_commitment: Commitment {
            salt: row.try_get("address_salt")?,
            digest: row.try_get("address_commitment")?,
        },
        texts: row.try_get("texts")?,
        texts_commitment: Commitment {
            salt: row.try_get("texts_salt")?,
            digest: row.try_get("texts_commitment")?,
        },
        request_id: row.try_get("request_id")?,
    })
}

fn seal(row: &Row) -> Result<Seal, DbError> {
    let bytes: &[u8] = row.try_get("seal")?;
    Ok(Seal::try_from(bytes).expect("a `check` constraint allows only 32 bytes"))
}
