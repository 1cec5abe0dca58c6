//! The SQL of callers and of what users may do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use shared::json;
use shared::permission::Pattern;
use shared::revocation::{Kind, Reason};
use shared::role::RoleName;
use shared::role_map::Role;
use tokio_postgres::Row;
use uuid::Uuid;

use super::Right;
use super::facts::CallerFacts;
use super::rights::{End, Held, Rights};
use crate::actor::Caller;
use crate::db::{DbError, SqlClient, Transaction};
use crate::users::store::ACTIVE;

/// A role assignment, as stored.
#[derive(Deserialize)]
struct StoredAssignment {
    role: RoleName,
    expires_at: Option<Timestamp>,
}

/// A role definition, as stored.
#[derive(Deserialize)]
struct Definition {
    permissions: BTreeSet<Pattern>,
    inherits: BTreeSet<RoleName>,
}

/// The state of an access token in the database. `None` when its session or its user does not exist.
pub(super) async fn caller_facts(
    client: &impl SqlClient,
    caller: Caller,
) -> Result<Option<CallerFacts>, DbError> {
    // The kinds are literals: with parameters in their place the planner could not use the indexes of these.
    const { assert!(Kind::Token as u8 == 1 && Kind::User as u8 == 3 && Kind::Key as u8 == 4) };
    const { assert!(Reason::Revoked as u8 == 1) };
    let sql = "select u.token_generation, d.generation as deployment_generation,
                   to_timestamp($3::bigint) <= clock_timestamp() as is_expired,
                   to_timestamp($8::bigint) > clock_timestamp() - interval '10 minutes' as is_fresh,
                   s.revoked_at is null and s.deployment_generation >= d.generation
                       and s.expires_at > clock_timestamp() and u.status = 'active'
                       and not exists (select from auth.revocations r where r.kind = 1 and r.key = $4 and r.reason = 1)
                       and not exists (select from auth.revocations r where r.kind = 4 and r.key = $5) as stands,
                   exists (select from auth.revocations r where r.kind = 1 and r.key = $4) as is_outdated,
                   u.token_generation > $7 and exists (
                       select from auth.revocations r
                       where r.kind = 3 and r.key = $6 and r.reason = 1 and r.arg > $7
                   ) as is_generation_revoked
               from auth.sessions s
               join auth.users u on u.id = s.user_id
               cross join auth.deployment d
               where s.id = $1 and s.user_id = $2";
    let statement = client.prepare_cached(sql).await?;
    let token = caller.token();
    let expires_at = i64::try_from(token.expires_at).unwrap_or(i64::MAX);
    let generation = i64::try_from(token.generation).unwrap_or(i64::MAX);
    let auth_time = i64::try_from(token.auth_time).unwrap_or(0);
    let (key, signing_key) = (token.key.as_bytes().as_slice(), token.signing_key.as_bytes().as_slice());
    let user_key = token.user_key.as_bytes().as_slice();
    let row = client
        .query_opt(
            &statement,
            &[
                &caller.session,
                &caller.user,
                &expires_at,
                &key,
                &signing_key,
                &user_key,
                &generation,
                &auth_time,
            ],
        )
        .await?;
    row.as_ref().map(facts).transpose()
}

fn facts(row: &Row) -> Result<CallerFacts, DbError> {
    Ok(CallerFacts {
        is_expired: row.try_get("is_expired")?,
        is_fresh: row.try_get("is_fresh")?,
        stands: row.try_get("stands")?,
        is_outdated: row.try_get("is_outdated")?,
        is_generation_revoked: row.try_get("is_generation_revoked")?,
        generation: row.try_get::<_, i64>("token_generation")?.cast_unsigned(),
        deployment_generation: row.try_get::<_, i64>("deployment_generation")?.cast_unsigned(),
    })
}

/// Locks the definitions of all roles in shared mode until the transaction ends.
pub(crate) async fn hold_definitions(tx: &Transaction<'_>) -> Result<(), DbError> {
    let statement = tx.prepare_cached("select version from auth.role_map for share").await?;
    tx.query_one(&statement, &[]).await?;
    Ok(())
}

/// The rights of a user, read in one statement and therefore at one moment. `None` when the user does not
/// exist. A disabled user may do nothing.
pub(super) async fn rights(client: &impl SqlClient, user: Uuid) -> Result<Option<Rights>, DbError> {
    let found = rights_if_active(client, user).await?;
    Ok(found.map(|(is_active, rights)| if is_active { rights } else { Rights::default() }))
}

/// Whether a user is active, and what the user may do while active: a disabled user keeps the rank.
pub(super) async fn rights_if_active(
    client: &impl SqlClient,
    user: Uuid,
) -> Result<Option<(bool, Rights)>, DbError> {
    let sql = "with recursive held as (
                   select r.id, r.name, given.expires_at
                   from auth.user_roles given join auth.roles r on r.id = given.role_id
                   where given.user_id = $1
                     and (given.expires_at is null or given.expires_at > clock_timestamp())
               ), reached as (
                   select id from held
                   union
                   select i.parent_id from reached join auth.role_inherits i on i.role_id = reached.id
               )
               select u.status, u.is_superuser,
                      coalesce((select jsonb_agg(jsonb_build_object('role', name, 'expires_at', expires_at)
                                                 order by name collate \"C\") from held), '[]') as held,
                      coalesce((select jsonb_object_agg(r.name, jsonb_build_object(
                          'permissions', array(select p.permission from auth.role_permissions p
                                               where p.role_id = r.id),
                          'inherits', array(select parent.name from auth.role_inherits i
                                            join auth.roles parent on parent.id = i.parent_id
                                            where i.role_id = r.id)))
                                from reached join auth.roles r on r.id = reached.id), '{}') as definitions
               from auth.users u where u.id = $1";
    let statement = client.prepare_cached(sql).await?;
    client.query_opt(&statement, &[&user]).await?.as_ref().map(read_rights).transpose()
}

/// A `check` constraint keeps names and patterns well-formed.
fn read_rights(row: &Row) -> Result<(bool, Rights), DbError> {
    let is_active = row.try_get::<_, &str>("status")? == ACTIVE;
    let held: Vec<StoredAssignment> = from_json(&row.try_get("held")?);
    let definitions: BTreeMap<RoleName, Definition> = from_json(&row.try_get("definitions")?);
    let held = held.into_iter().map(|held| Held { role: held.role, end: End::of(held.expires_at) }).collect();
    let role = |role: Definition| Role { permissions: role.permissions, inherits: role.inherits };
    let map = definitions.into_iter().map(|(name, definition)| (name, role(definition))).collect();
    Ok((is_active, Rights::new(row.try_get("is_superuser")?, held, map)))
}

/// The statement itself produces this JSON. If it is malformed all the same, nothing is granted.
fn from_json<T: serde::de::DeserializeOwned + Default>(value: &Value) -> T {
    json::from_value(value).unwrap_or_else(|error| {
        tracing::error!(%error, "Malformed role rows in the database; they grant nothing.");
        T::default()
    })
}

/// Whether a role of the user, assigned or inherited, grants a permission of this service.
pub(crate) async fn holds_right(tx: &Transaction<'_>, user: Uuid) -> Result<bool, DbError> {
    let sql = "with recursive reached as (
                   select role_id from auth.user_roles
                   where user_id = $1 and (expires_at is null or expires_at > clock_timestamp())
                   union
                   select i.parent_id from reached join auth.role_inherits i on i.role_id = reached.role_id
               )
               select exists (
                   select from reached join auth.role_permissions p on p.role_id = reached.role_id
                   where p.permission = any($2)) as holds";
    let statement = tx.prepare_cached(sql).await?;
    Ok(tx.query_one(&statement, &[&user, &Right::granting()]).await?.try_get("holds")?)
}

/// All superusers, disabled or not.
pub(crate) async fn superusers(tx: &Transaction<'_>) -> Result<Vec<Uuid>, DbError> {
    let rows = tx.query("select id from auth.users where is_superuser", &[]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}
