//! The SQL of revocations: recording them, and the relay's statements on its own connection.

use std::time::Duration;

use shared::revocation::{HistoryId, Kind, LogPosition, Reason, Record, RecordKey, Until};
use shared::role::RoleName;
use shared::role_map::{Role, RoleMap};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::db::{Connection, DbError, Transaction, Values};

use super::new_revocation::NewRevocation;
use super::receipt::Receipt;

/// Notified by every transaction that records a revocation, and by the triggers of the tables behind the role
/// map.
pub(super) const CHANNEL: &str = "usher_revocations";

/// Advisory lock of the leading relay, on its own connection.
const LOCK: i64 = 0x0075_7368_6572_0003;

/// A row that belongs into the log.
#[derive(Debug, Clone)]
pub(super) struct RevocationRow {
    pub(super) id: i64,
    pub(super) record: Record,
    /// Seconds since it was inserted, by PostgreSQL's clock.
    pub(super) waited_seconds: f64,
    /// The span that created it, if its request is traced.
    pub(super) traceparent: Option<String>,
}

/// What a relay takes before it fills the log.
pub(super) struct TakenEpoch {
    pub(super) epoch: u64,
    pub(super) history: HistoryId,
    /// The number of its first heartbeat.
    pub(super) beat: u64,
}

/// What is read after the rows of a turn.
pub(super) struct NextTurn {
    /// The version of the role map.
    pub(super) roles: u64,
    /// The number of the next heartbeat.
    pub(super) beat: u64,
    /// Every transaction below this one had ended: what it inserted is visible to the next turn.
    pub(super) ended_below: TransactionId,
}

/// The number of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct TransactionId(i64);

/// The statements of every turn, prepared once.
pub(super) struct Statements {
    unpublished: Statement,
    published_earlier: Statement,
    mark: Statement,
    next_turn: Statement,
    role_map: Statement,
}

/// Selects by the flag `published_epoch`, never by the time or identifier of the last row seen: rows are not
/// committed in the order of either.
///
/// The newest first, so that a change that revokes a hundred thousand tokens does not delay the next sign-out. `$2` is a
/// transaction below which everything is published: without it, every turn would read past the index entries of all rows
/// that were published since the oldest snapshot of the server was taken.
const UNPUBLISHED: &str = "
    select id, kind, reason, key, arg, extract(epoch from until)::bigint as until,
           extract(epoch from clock_timestamp() - created_at)::double precision as waited, traceparent
    from auth.revocations
    where published_epoch is null and inserted_by >= $2::bigint::text::xid8 and (until is null or until > now())
    order by inserted_by desc, id desc limit $1";

const PUBLISHED_EARLIER: &str = "
    select id, kind, reason, key, arg, extract(epoch from until)::bigint as until,
           0::double precision as waited, null::text as traceparent
    from auth.revocations
    where id > $1 and published_epoch <> $3 and (until is null or until > now())
    order by id limit $2";

/// Null when everything is published.
const OLDEST_UNPUBLISHED: &str = "
    select extract(epoch from clock_timestamp() - min(created_at))::double precision as age
    from auth.revocations
    where published_epoch is null and (until is null or until > now())";

const MARK: &str = "
    update auth.revocations set published_epoch = $1, published_seq = published.seq
    from unnest($2::bigint[], $3::bigint[]) as published (id, seq)
    where revocations.id = published.id";

const NEXT_TURN: &str = "
    select version, nextval('auth.revocation_heartbeats') as beat,
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint as ended_below
    from auth.role_map";

/// The history is random: PostgreSQL fills all but six bits of it.
const NEW_EPOCH: &str = "
    update auth.revocation_epoch set epoch = greatest(epoch, $1) + 1
    returning epoch, gen_random_uuid() as history, nextval('auth.revocation_heartbeats') as beat";

/// One statement, so that version and content are consistent. One row when no role is defined. A former name of a role, which
/// tokens may carry, is a role that inherits it.
const ROLE_MAP: &str = "
    select role_map.version, role.name,
           array(select permission from auth.role_permissions where role_id = role.id) as permissions,
           array(select parent.name from auth.role_inherits join auth.roles parent on parent.id = parent_id
                 where role_id = role.id) as inherits
    from auth.role_map left join auth.roles role on true
    union all
    select role_map.version, former.name, array[]::text[], array[role.name]
    from auth.role_map
    cross join auth.retired_role_names former
    join auth.roles role on role.id = former.role_id
    where former.until > clock_timestamp()";

/// `clock_timestamp()`, never `now()`: `now()` is the start of the transaction, and a transaction that waited
/// for a lock would write a record that ends before the token that it revokes.
const INSERT: &str = "
    with recorded as (
        insert into auth.revocations (kind, reason, key, arg, until, traceparent)
        select kind, reason, key, arg,
               case when forever then null
                    else clock_timestamp() + auth.longest_access_token_life() + interval '5 minutes' end,
               $7
        from unnest($1::smallint[], $2::smallint[], $3::bytea[], $4::bigint[], $5::boolean[])
             as new (kind, reason, key, arg, forever)
        returning id
    )
    select pg_notify($6, ''), (select max(id) from recorded) as last";

pub(super) async fn insert(
    transaction: &Transaction<'_>,
    issuer: &str,
    revocations: &[NewRevocation],
    traceparent: Option<&str>,
) -> Result<Receipt, DbError> {
    let kinds: Vec<i16> = revocations.iter().map(|new| i16::from(new.kind as u8)).collect();
    let reasons: Vec<i16> = revocations.iter().map(|new| i16::from(new.reason as u8)).collect();
    let keys: Vec<Vec<u8>> =
        revocations.iter().map(|new| new.key_under(issuer).as_bytes().to_vec()).collect();
    let arguments: Vec<i64> = revocations.iter().map(|new| to_sql(new.argument)).collect();
    let forever: Vec<bool> = revocations.iter().map(|new| new.kind == Kind::Key).collect();
    let statement = transaction.prepare_cached(INSERT).await?;
    let places: Values<'_> = &[&kinds, &reasons, &keys, &arguments, &forever, &CHANNEL, &traceparent];
    Ok(Receipt(transaction.query_one(&statement, places).await?.try_get("last")?))
}

/// Where the revocation was first published; `None` if it was not yet.
pub(super) async fn published_at(
    connection: &Connection,
    Receipt(id): Receipt,
) -> Result<Option<LogPosition>, DbError> {
    let sql = "select published_epoch, published_seq from auth.revocations where id = $1";
    let statement = connection.prepare_cached(sql).await?;
    let row = connection.query_opt(&statement, &[&id]).await?;
    let Some(row) = row else { return Ok(None) };
    let (epoch, seq): (Option<i64>, Option<i64>) =
        (row.try_get("published_epoch")?, row.try_get("published_seq")?);
    Ok(epoch.zip(seq).map(|(epoch, seq)| LogPosition { epoch: from_sql(epoch), seq: from_sql(seq) }))
}

pub(super) async fn is_token_revoked(tx: &Transaction<'_>, key: RecordKey) -> Result<bool, DbError> {
    let sql = "select exists (select from auth.revocations where kind = 1 and key = $1 and reason = 1) as is_revoked";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.query_one(&statement, &[&key.as_bytes().as_slice()]).await?.try_get("is_revoked")?)
}

pub(super) async fn oldest_unpublished(connection: &Connection) -> Result<Option<f64>, DbError> {
    let statement = connection.prepare_cached(OLDEST_UNPUBLISHED).await?;
    Ok(connection.query_one(&statement, &[]).await?.get("age"))
}

pub(super) async fn try_lock(client: &Client) -> Result<bool, DbError> {
    Ok(client.query_one("select pg_try_advisory_lock($1)", &[&LOCK]).await?.get(0))
}

pub(super) async fn new_epoch(client: &Client, in_redis: u64) -> Result<TakenEpoch, DbError> {
    let row = client.query_one(NEW_EPOCH, &[&to_sql(in_redis)]).await?;
    let history = HistoryId::from_bytes(row.get::<_, Uuid>("history").into_bytes());
    Ok(TakenEpoch { epoch: from_sql(row.get("epoch")), history, beat: from_sql(row.get("beat")) })
}

/// Seconds since the Unix epoch, by PostgreSQL's clock.
pub(super) async fn now(client: &Client) -> Result<u64, DbError> {
    let now = "select extract(epoch from clock_timestamp())::bigint as now";
    Ok(from_sql(client.query_one(now, &[]).await?.get("now")))
}

/// Deletes at most `limit` rows and returns their number.
///
/// By `ctid`, because the planner would scan the whole table for a join on the identifier; and skipping
/// locked rows, so that it never waits.
pub(super) async fn delete_ended(client: &Client, keep: Duration, limit: u64) -> Result<u64, DbError> {
    let delete = "delete from auth.revocations where ctid = any(array(
                      select ctid from auth.revocations
                      where until < now() - make_interval(secs => $1)
                      order by until limit $2 for update skip locked))";
    Ok(client.execute(delete, &[&keep.as_secs_f64(), &to_sql(limit)]).await?)
}

impl Statements {
    pub(super) async fn prepare(client: &Client) -> Result<Self, DbError> {
        Ok(Self {
            unpublished: client.prepare(UNPUBLISHED).await?,
            published_earlier: client.prepare(PUBLISHED_EARLIER).await?,
            mark: client.prepare(MARK).await?,
            next_turn: client.prepare(NEXT_TURN).await?,
            role_map: client.prepare(ROLE_MAP).await?,
        })
    }

    /// In the order of their writing; if there are more than `limit`, the last ones. All of them are of transactions from
    /// `since` on.
    pub(super) async fn unpublished(
        &self,
        client: &Client,
        since: TransactionId,
        limit: i64,
    ) -> Result<Vec<RevocationRow>, DbError> {
        let mut rows = rows(&client.query(&self.unpublished, &[&limit, &since.0]).await?);
        rows.sort_unstable_by_key(|row| row.id);
        Ok(rows)
    }

    pub(super) async fn published_earlier(
        &self,
        client: &Client,
        epoch: u64,
        after: i64,
        limit: i64,
    ) -> Result<Vec<RevocationRow>, DbError> {
        Ok(rows(&client.query(&self.published_earlier, &[&after, &limit, &to_sql(epoch)]).await?))
    }

    pub(super) async fn next_turn(&self, client: &Client) -> Result<NextTurn, DbError> {
        let row = client.query_one(&self.next_turn, &[]).await?;
        Ok(NextTurn {
            roles: from_sql(row.get("version")),
            beat: from_sql(row.get("beat")),
            ended_below: TransactionId(row.get("ended_below")),
        })
    }

    /// The version, and the definitions at that version.
    pub(super) async fn role_map(&self, client: &Client) -> Result<(u64, RoleMap), DbError> {
        let rows = client.query(&self.role_map, &[]).await?;
        let version = rows.first().map_or(0, |row| from_sql(row.get("version")));
        Ok((version, rows.iter().filter_map(role).collect()))
    }

    /// Marks `published`; in the log they directly follow `at`.
    pub(super) async fn mark(
        &self,
        client: &Client,
        at: LogPosition,
        published: &[RevocationRow],
    ) -> Result<(), DbError> {
        let placed = published.iter().zip(at.seq.saturating_add(1)..);
        let (ids, seqs): (Vec<i64>, Vec<i64>) = placed.map(|(row, seq)| (row.id, to_sql(seq))).unzip();
        if !ids.is_empty() {
            client.execute(&self.mark, &[&to_sql(at.epoch), &ids, &seqs]).await?;
        }
        Ok(())
    }
}

fn rows(rows: &[tokio_postgres::Row]) -> Vec<RevocationRow> {
    let read = |row: &tokio_postgres::Row| RevocationRow {
        id: row.get("id"),
        record: record(row),
        waited_seconds: row.get("waited"),
        traceparent: row.get("traceparent"),
    };
    rows.iter().map(read).collect()
}

fn record(row: &tokio_postgres::Row) -> Record {
    let byte = |column: &str| u8::try_from(row.get::<_, i16>(column)).unwrap_or(0);
    let key = <[u8; 16]>::try_from(row.get::<_, &[u8]>("key")).expect(
        "a `check` constraint allows only 16 \
        bytes",
    );
    Record {
        kind: Kind::from_byte(byte("kind")).expect("a `check` constraint allows only kinds 1 to 5"),
        reason: Reason::from_byte(byte("reason")).expect("a `check` constraint allows only reasons 1 and 2"),
        // Rounded up by a fraction of a second, never down.
        until: row
            .get::<_, Option<i64>>("until")
            .map_or(Until::Never, |second| Until::at(from_sql(second.saturating_add(1)))),
        key: RecordKey::from_bytes(key),
        argument: from_sql(row.get("arg")),
    }
}

fn role(row: &tokio_postgres::Row) -> Option<(RoleName, Role)> {
    let name = |text: &str| text.parse().expect("a `check` constraint allows only well-formed names");
    let permission =
        |text: &str| text.parse().expect("a `check` constraint allows only well-formed patterns");
    let permissions = row.get::<_, Vec<&str>>("permissions").into_iter().map(permission).collect();
    let inherits = row.get::<_, Vec<&str>>("inherits").into_iter().map(name).collect();
    Some((name(row.get::<_, Option<&str>>("name")?), Role { permissions, inherits }))
}

/// PostgreSQL has no unsigned integers; no value here comes near the limit.
pub(super) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
