//! The SQL of sessions. The order of the statements matters and is up to the callers: see `open`, `refresh`
//! and `renew`.

use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::origin::ClientOrigin;
use super::session::{
    Device, EndReason, HeldRole, ListedSession, Rotation, Session, SessionState, Stamp, Standing,
};
use crate::access;
use crate::actor::Client;
use crate::db::{Connection, DbError, Transaction};
use crate::guessing::DeviceMark;
use crate::purge::{Batch, DAILY, Purge};
use crate::users;

/// Deletes sessions that ended or expired more than 30 days ago. No index finds them: it would have to contain the idle
/// end, which every refresh moves.
pub(crate) const PURGE: Purge = Purge {
    name: "sessions",
    every: DAILY,
    days: |_| 30,
    batch: Batch::Walked(
        "with part as materialized (
             select id from auth.sessions
             where id > coalesce(nullif($3::text, ''), '00000000-0000-0000-0000-000000000000')::uuid
             order by id limit $1
         ), old as materialized (
             select id from auth.sessions
             where id in (select id from part)
               and least(revoked_at, idle_expires_at, expires_at) < clock_timestamp() - make_interval(days => $2)
             for update skip locked
         ), gone as (
             delete from auth.sessions s using old where s.id = old.id returning s.id
         )
         select (select count(*) from part) as examined, (select count(*) from gone) as changed,
             (select id::text from part order by id desc limit 1) as last",
    ),
};

/// The SQL condition for an active session; or, for statements that revoke sessions, for one that was active
/// until very recently: a concurrent refresh may just have moved its idle end, and cannot take longer than a
/// transaction may last.
macro_rules! is_live {
    () => {
        is_live!(@ "clock_timestamp()")
    };
    (recently) => {
        is_live!(@ "clock_timestamp() - interval '2 minutes'")
    };
    (@ $idle:literal) => {
        concat!(
            "revoked_at is null and deployment_generation >= (select generation from auth.deployment)
                 and expires_at > clock_timestamp() and idle_expires_at > ",
            $idle
        )
    };
}

pub(super) use is_live;

/// Inserts a session.
pub(crate) async fn insert(tx: &Transaction<'_>, new: &Session, device: &Device) -> Result<(), DbError> {
    let sql = "insert into auth.sessions (id, user_id, client_id, refresh_key, counter, created_at,
                   authenticated_at, last_used_at, idle_expires_at, expires_at, amr, address, user_agent,
                   device_name, provider, deployment_generation, device_mark, device_returned)
               values ($1, $2, $3, $4, $5, $6, $6, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let statement = tx.prepare_cached(sql).await?;
    let (key, counter) = (i16::from(new.state.key), new.state.counter.cast_signed());
    let deployment_generation = new.state.deployment_generation.cast_signed();
    tx.execute(
        &statement,
        &[
            &new.id,
            &new.user,
            &new.client,
            &key,
            &counter,
            &new.authenticated_at,
            &new.state.idle_expires_at,
            &new.state.expires_at,
            &new.amr,
            &device.address,
            &device.user_agent,
            &device.name,
            &new.provider,
            &deployment_generation,
            &new.state.device.as_ref().map(DeviceMark::as_bytes),
            &new.state.is_device_returned,
        ],
    )
    .await?;
    Ok(())
}

/// The session, locked exclusively until the transaction ends. Reads nothing else: a statement that waits for
/// a lock continues with the newest row of the locked table, and with old rows of all others.
pub(crate) async fn lock(tx: &Transaction<'_>, id: Uuid) -> Result<Option<Session>, DbError> {
    let sql = "select id, user_id, client_id, refresh_key, counter, revoked_below, rotated_at, rotated_prefix,
                   rotated_user_agent, concurrent_answers, nearby_answers, elsewhere_answers, authenticated_at,
                   idle_expires_at, expires_at, amr, provider, address, user_agent, revoked_at,
                   deployment_generation, device_mark, device_returned
               from auth.sessions where id = $1 for update";
    let statement = tx.prepare_cached(sql).await?;
    tx.query_opt(&statement, &[&id]).await?.as_ref().map(session).transpose()
}

/// The clock and the generations. Never in one statement with a lock, and always before [`standing`]: an old
/// generation with new roles is harmless, a new generation with old roles survives its revocation.
pub(crate) async fn stamp(tx: &Transaction<'_>, user: Uuid) -> Result<Option<Stamp>, DbError> {
    let sql = "select clock_timestamp() as now, u.token_generation, u.device_epoch,
                   d.generation as deployment_generation
               from auth.users u cross join auth.deployment d where u.id = $1";
    let statement = tx.prepare_cached(sql).await?;
    let row = tx.query_opt(&statement, &[&user]).await?;
    row.as_ref().map(read_stamp).transpose()
}

/// Status and roles, in a statement of their own after [`stamp`]. A deleted user may do nothing. The order of the roles is
/// that of their bytes, whatever the collation of the database: the sidecars refuse a token with another one.
pub(crate) async fn standing(tx: &Transaction<'_>, user: Uuid) -> Result<Standing, DbError> {
    let sql = "select u.status, u.is_superuser, r.name, held.expires_at
               from auth.users u
               left join auth.user_roles held on held.user_id = u.id
                   and (held.expires_at is null or held.expires_at > clock_timestamp())
               left join auth.roles r on r.id = held.role_id
               where u.id = $1 order by r.name collate \"C\"";
    let statement = tx.prepare_cached(sql).await?;
    let mut standing = Standing::default();
    for row in tx.query(&statement, &[&user]).await? {
        standing.is_active = row.try_get::<_, &str>("status")? == users::store::ACTIVE;
        standing.is_operator = row.try_get("is_superuser")?;
        standing.roles.extend(held_role(&row)?);
    }
    standing.is_operator =
        standing.is_operator || (!standing.roles.is_empty() && access::holds_right(tx, user).await?);
    Ok(standing)
}

/// Whether the user, who registered within this hour, has never had a session.
pub(super) async fn is_first(tx: &Transaction<'_>, user: Uuid) -> Result<bool, DbError> {
    let sql = "select created_at > clock_timestamp() - interval '1 hour'
                   and not exists (select from auth.sessions where user_id = $1) as is_first
               from auth.users where id = $1";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.query_one(&statement, &[&user]).await?.try_get("is_first")?)
}

/// Stores the next child token. Without `is_durable` the commit does not wait for the disk: if it is lost,
/// the client is ahead of the database, which `decide` handles. The transaction must contain nothing else.
pub(crate) async fn rotate(
    tx: &Transaction<'_>,
    session: &Session,
    rotation: &Rotation,
    device: &Device,
    is_durable: bool,
) -> Result<(), DbError> {
    let sql = "update auth.sessions set counter = $2, revoked_below = $3, rotated_at = $4,
                   rotated_prefix = $5, rotated_user_agent = $6, concurrent_answers = 0, last_used_at = $4,
                   idle_expires_at = $7, address = $8, user_agent = $9, refresh_key = $10, expires_at = $11,
                   device_returned = $13
               where id = $1
               returning case when $12 then null
                              else set_config('synchronous_commit', 'off', true) end";
    let statement = tx.prepare_cached(sql).await?;
    let state = &session.state;
    let (counter, below) = (state.counter.cast_signed(), state.revoked_below.cast_signed());
    tx.execute(
        &statement,
        &[
            &session.id,
            &counter,
            &below,
            &rotation.at,
            &rotation.origin.prefix(),
            &rotation.origin.user_agent(),
            &state.idle_expires_at,
            &device.address,
            &device.user_agent,
            &i16::from(state.key),
            &state.expires_at,
            &is_durable,
            &state.is_device_returned,
        ],
    )
    .await?;
    Ok(())
}

/// Counts another concurrent answer.
pub(crate) async fn count_concurrent(tx: &Transaction<'_>, id: Uuid) -> Result<(), DbError> {
    let sql = "update auth.sessions set concurrent_answers = concurrent_answers + 1 where id = $1";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&id]).await?;
    Ok(())
}

/// Stores the times of the repeats accepted from another origin.
pub(crate) async fn set_other_origins(
    tx: &Transaction<'_>,
    id: Uuid,
    nearby: &[Timestamp],
    elsewhere: &[Timestamp],
) -> Result<(), DbError> {
    let sql = "update auth.sessions set nearby_answers = $2, elsewhere_answers = $3 where id = $1";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&id, &nearby, &elsewhere]).await?;
    Ok(())
}

/// Revokes one session. Returns its user; `None` when it had ended before.
pub(crate) async fn end(tx: &Transaction<'_>, id: Uuid, reason: EndReason) -> Result<Option<Uuid>, DbError> {
    let sql = "update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = $2
               where id = $1 and revoked_at is null returning user_id";
    let statement = tx.prepare_cached(sql).await?;
    let row = tx.query_opt(&statement, &[&id, &reason.as_str()]).await?;
    Ok(row.map(|row| row.try_get("user_id")).transpose()?)
}

/// The user of a session, whether or not it has ended.
pub(crate) async fn owner(tx: &Transaction<'_>, id: Uuid) -> Result<Option<Uuid>, DbError> {
    let statement = tx.prepare_cached("select user_id from auth.sessions where id = $1").await?;
    let row = tx.query_opt(&statement, &[&id]).await?;
    Ok(row.map(|row| row.try_get("user_id")).transpose()?)
}

/// The number of live sessions of all users, counted up to `most`.
pub(crate) async fn count_live(connection: &Connection, most: i64) -> Result<i64, DbError> {
    let sql = concat!(
        "select count(*) as live from (select from auth.sessions where ",
        is_live!(),
        " limit $1) as counted"
    );
    Ok(connection.query_one(sql, &[&most]).await?.try_get("live")?)
}

/// Revokes one active session if it belongs to this user.
pub(crate) async fn end_one_of(
    tx: &Transaction<'_>,
    id: Uuid,
    user: Uuid,
    reason: EndReason,
) -> Result<bool, DbError> {
    let sql = concat!(
        "update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = $3
         where id = $1 and user_id = $2 and ",
        is_live!()
    );
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.execute(&statement, &[&id, &user, &reason.as_str()]).await? == 1)
}

/// Revokes all active sessions of the user except `kept`, and returns their number. The user must be locked,
/// so that no session is created meanwhile.
pub(crate) async fn end_all(
    tx: &Transaction<'_>,
    user: Uuid,
    kept: Option<Uuid>,
    reason: EndReason,
) -> Result<u64, DbError> {
    // A session that has just reached its idle end is not counted.
    let sql = concat!(
        "with ended as (
             update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = $3
             where user_id = $1 and id is distinct from $2 and ",
        is_live!(recently),
        " returning idle_expires_at > clock_timestamp() as stood
         )
         select count(*) filter (where stood) as ended from ended"
    );
    let statement = tx.prepare_cached(sql).await?;
    let row = tx.query_one(&statement, &[&user, &kept, &reason.as_str()]).await?;
    Ok(row.try_get::<_, i64>("ended")?.cast_unsigned())
}

/// Increments and returns the deployment's generation. All sessions that began before have then ended.
pub(crate) async fn advance_deployment(tx: &Transaction<'_>) -> Result<u64, DbError> {
    let sql = "update auth.deployment set generation = generation + 1 returning generation";
    Ok(tx.query_one(sql, &[]).await?.try_get::<_, i64>("generation")?.cast_unsigned())
}

/// Revokes and returns the user's sessions that began through a provider. The user must be locked, so that no
/// session is created meanwhile.
pub(crate) async fn end_through(
    tx: &Transaction<'_>,
    user: Uuid,
    provider: &str,
    reason: EndReason,
) -> Result<Vec<Uuid>, DbError> {
    let sql = concat!(
        "update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = $3
         where user_id = $1 and provider = $2 and ",
        is_live!(recently),
        " returning id"
    );
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, &[&user, &provider, &reason.as_str()]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// Whether this session of the user is active.
pub(crate) async fn stands(tx: &Transaction<'_>, id: Uuid, user: Uuid) -> Result<bool, DbError> {
    let sql = concat!(
        "select exists (select from auth.sessions where id = $1 and user_id = $2 and ",
        is_live!(),
        ") as stands"
    );
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.query_one(&statement, &[&id, &user]).await?.try_get("stands")?)
}

/// The active sessions of a user, the most recently used first, at most `limit`.
pub(crate) async fn list(
    connection: &Connection,
    user: Uuid,
    limit: i64,
) -> Result<Vec<ListedSession>, DbError> {
    let sql = concat!(
        "select id, client_id, created_at, last_used_at, least(idle_expires_at, expires_at) as expires_at,
             amr, provider, address, user_agent, device_name
         from auth.sessions where user_id = $1 and ",
        is_live!(),
        " order by last_used_at desc, id desc limit $2"
    );
    let statement = connection.prepare_cached(sql).await?;
    connection.query(&statement, &[&user, &limit]).await?.iter().map(listed).collect()
}

fn listed(row: &Row) -> Result<ListedSession, DbError> {
    Ok(ListedSession {
        id: row.try_get("id")?,
        client: row.try_get("client_id")?,
        created_at: row.try_get("created_at")?,
        last_used_at: row.try_get("last_used_at")?,
        expires_at: row.try_get("expires_at")?,
        amr: row.try_get("amr")?,
        provider: row.try_get("provider")?,
        device: Device {
            address: row.try_get("address")?,
            user_agent: row.try_get("user_agent")?,
            name: row.try_get("device_name")?,
            token: None,
            languages: None,
        },
    })
}

fn session(row: &Row) -> Result<Session, DbError> {
    let user_agent: Option<&str> = row.try_get("rotated_user_agent")?;
    let origin = ClientOrigin::from_stored(row.try_get("rotated_prefix")?, user_agent);
    let concurrent = row.try_get::<_, i32>("concurrent_answers")?.cast_unsigned();
    let rotated_at: Option<Timestamp> = row.try_get("rotated_at")?;
    let opened_from =
        Client { address: row.try_get("address")?, user_agent: row.try_get("user_agent")?, ..Client::NONE };
    let state = SessionState {
        // A `check` constraint keeps it within one byte; 0 would only name another key.
        key: u8::try_from(row.try_get::<_, i16>("refresh_key")?).unwrap_or(0),
        counter: row.try_get::<_, i64>("counter")?.cast_unsigned(),
        revoked_below: row.try_get::<_, i64>("revoked_below")?.cast_unsigned(),
        is_revoked: row.try_get::<_, Option<Timestamp>>("revoked_at")?.is_some(),
        deployment_generation: row.try_get::<_, i64>("deployment_generation")?.cast_unsigned(),
        is_user_active: false,
        idle_expires_at: row.try_get("idle_expires_at")?,
        expires_at: row.try_get("expires_at")?,
        rotation: rotated_at.map(|at| Rotation { at, origin, concurrent }),
        opened_from: ClientOrigin::of(&opened_from),
        device: row.try_get::<_, Option<&[u8]>>("device_mark")?.and_then(DeviceMark::from_stored),
        is_device_returned: row.try_get("device_returned")?,
        nearby: row.try_get("nearby_answers")?,
        elsewhere: row.try_get("elsewhere_answers")?,
    };
    Ok(Session {
        id: row.try_get("id")?,
        user: row.try_get("user_id")?,
        client: row.try_get("client_id")?,
        authenticated_at: row.try_get("authenticated_at")?,
        amr: row.try_get("amr")?,
        provider: row.try_get("provider")?,
        state,
    })
}

fn read_stamp(row: &Row) -> Result<Stamp, DbError> {
    Ok(Stamp {
        now: row.try_get("now")?,
        generation: row.try_get::<_, i64>("token_generation")?.cast_unsigned(),
        deployment_generation: row.try_get::<_, i64>("deployment_generation")?.cast_unsigned(),
        device_epoch: row.try_get::<_, i64>("device_epoch")?.cast_unsigned(),
    })
}

/// A `check` constraint keeps stored names well-formed; a malformed one is skipped.
fn held_role(row: &Row) -> Result<Option<HeldRole>, DbError> {
    let name = row.try_get::<_, Option<&str>>("name")?.and_then(|name| name.parse().ok());
    let expires_at = row.try_get("expires_at")?;
    Ok(name.map(|name| HeldRole { name, expires_at }))
}
