//! All SQL of revocations: recording them, and what the relay asks on its own connection.

use std::time::Duration;

use shared::revocation::{Kind, Position, Reason, Record, RecordKey, Until};
use tokio_postgres::{Client, Row, Statement};

use crate::db::{DbError, Transaction};

use super::NewRevocation;

/// Notified by every transaction that records a revocation.
pub(super) const CHANNEL: &str = "usher_revocations";

/// Held by the one relay that leads, on its own connection.
const LOCK: i64 = 0x0075_7368_6572_0003;

/// A row that the current epoch does not hold yet.
#[derive(Debug, Clone)]
pub(super) struct Unpublished {
    pub(super) id: i64,
    pub(super) record: Record,
    /// Seconds since it was written, by the clock of PostgreSQL.
    pub(super) waited_seconds: f64,
}

/// What is asked at every tick, prepared once.
pub(super) struct Statements {
    unpublished: Statement,
    mark: Statement,
}

/// Never-published rows come first, then those of earlier epochs in the order of their writing: after a loss
/// of Redis what is new is not kept waiting behind what sidecars know already.
const UNPUBLISHED: &str = "
    select id, kind, reason, key, arg, extract(epoch from until)::bigint as until,
           extract(epoch from clock_timestamp() - created_at)::double precision as waited
    from auth.revocations
    where coalesce(published_epoch, 0) < $1 and (until is null or until > now())
    order by coalesce(published_epoch, 0), id
    limit $2";

const MARK: &str = "
    update auth.revocations set published_epoch = $1, published_seq = $2 + place
    from unnest($3::bigint[]) with ordinality as published (id, place)
    where revocations.id = published.id";

/// `clock_timestamp()`, never `now()`: the latter is the transaction's beginning, and a transaction that
/// waited for a lock would write a record that ends before the token it kills.
const INSERT: &str = "
    with recorded as (
        insert into auth.revocations (kind, reason, key, arg, until)
        select kind, reason, key, arg,
               case when forever then null
                    else clock_timestamp() + auth.longest_access_token_life() + interval '5 minutes' end
        from unnest($1::smallint[], $2::smallint[], $3::bytea[], $4::bigint[], $5::boolean[])
             as new (kind, reason, key, arg, forever)
    )
    select pg_notify('usher_revocations', '')";

pub(super) async fn insert(
    transaction: &Transaction<'_>,
    issuer: &str,
    revocations: &[NewRevocation],
) -> Result<(), DbError> {
    let kinds: Vec<i16> = revocations.iter().map(|new| i16::from(new.kind as u8)).collect();
    let reasons: Vec<i16> = revocations.iter().map(|new| i16::from(new.reason as u8)).collect();
    let keys: Vec<Vec<u8>> =
        revocations.iter().map(|new| new.key_under(issuer).as_bytes().to_vec()).collect();
    let arguments: Vec<i64> = revocations.iter().map(|new| to_sql(new.argument)).collect();
    let forever: Vec<bool> = revocations.iter().map(|new| new.kind == Kind::Key).collect();
    let statement = transaction.prepare_cached(INSERT).await?;
    transaction.execute(&statement, &[&kinds, &reasons, &keys, &arguments, &forever]).await?;
    Ok(())
}

pub(super) async fn try_lock(client: &Client) -> Result<bool, DbError> {
    Ok(client.query_one("select pg_try_advisory_lock($1)", &[&LOCK]).await?.get(0))
}

pub(super) async fn new_epoch(client: &Client, in_redis: u64) -> Result<u64, DbError> {
    let take = "update auth.revocation_epoch set epoch = greatest(epoch, $1) + 1 returning epoch";
    Ok(from_sql(client.query_one(take, &[&to_sql(in_redis)]).await?.get("epoch")))
}

pub(super) async fn first_to_keep(
    client: &Client,
    epoch: u64,
    keep: Duration,
) -> Result<Option<u64>, DbError> {
    let first = "select min(published_seq) as first from auth.revocations
                 where coalesce(published_epoch, 0) = $1 and until > now() - make_interval(secs => $2)";
    let row = client.query_one(first, &[&to_sql(epoch), &keep.as_secs_f64()]).await?;
    Ok(row.get::<_, Option<i64>>("first").map(from_sql))
}

pub(super) async fn endless_below(
    client: &Client,
    at: Position,
    floor: u64,
) -> Result<Vec<Unpublished>, DbError> {
    let endless = "select id, kind, reason, key, arg, null::bigint as until, 0::double precision as waited
                   from auth.revocations
                   where coalesce(published_epoch, 0) = $1 and published_seq <= $2 and until is null
                   order by id";
    Ok(rows(&client.query(endless, &[&to_sql(at.epoch), &to_sql(floor)]).await?))
}

/// Deletes at most `limit` rows and says how many it were.
pub(super) async fn delete_ended(client: &Client, keep: Duration, limit: u64) -> Result<u64, DbError> {
    let delete = "delete from auth.revocations where id in (
                      select id from auth.revocations
                      where until < now() - make_interval(secs => $1) limit $2)";
    Ok(client.execute(delete, &[&keep.as_secs_f64(), &to_sql(limit)]).await?)
}

impl Statements {
    pub(super) async fn prepare(client: &Client) -> Result<Self, DbError> {
        Ok(Self { unpublished: client.prepare(UNPUBLISHED).await?, mark: client.prepare(MARK).await? })
    }

    pub(super) async fn unpublished(
        &self,
        client: &Client,
        epoch: u64,
        limit: i64,
    ) -> Result<Vec<Unpublished>, DbError> {
        Ok(rows(&client.query(&self.unpublished, &[&to_sql(epoch), &limit]).await?))
    }

    pub(super) async fn mark(
        &self,
        client: &Client,
        at: Position,
        published: &[Unpublished],
    ) -> Result<(), DbError> {
        let ids: Vec<i64> = published.iter().map(|row| row.id).collect();
        client.execute(&self.mark, &[&to_sql(at.epoch), &to_sql(at.seq), &ids]).await?;
        Ok(())
    }
}

fn rows(rows: &[Row]) -> Vec<Unpublished> {
    rows.iter()
        .map(|row| Unpublished { id: row.get("id"), record: record(row), waited_seconds: row.get("waited") })
        .collect()
}

fn record(row: &Row) -> Record {
    let byte = |column: &str| u8::try_from(row.get::<_, i16>(column)).unwrap_or(0);
    let key = <[u8; 16]>::try_from(row.get::<_, &[u8]>("key")).expect("the table allows 16 bytes alone");
    Record {
        kind: Kind::from_byte(byte("kind")).expect("the table allows kinds 1 to 5 alone"),
        reason: Reason::from_byte(byte("reason")).expect("the table allows reasons 1 and 2 alone"),
        // A fraction of a second more, never less.
        until: row
            .get::<_, Option<i64>>("until")
            .map_or(Until::Never, |second| Until::at(from_sql(second.saturating_add(1)))),
        key: RecordKey::from_bytes(key),
        argument: from_sql(row.get("arg")),
    }
}

/// PostgreSQL has no unsigned numbers; none of ours comes near the bound.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
