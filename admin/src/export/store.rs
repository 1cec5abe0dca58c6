//! The SQL of exports. Columns by name: what is of others, and what operators wrote, is not among them.

use serde_json::Value;
use uuid::Uuid;

use crate::db::{DbError, SqlClient, Transaction};

macro_rules! list {
    ($sql:literal) => {
        concat!("select coalesce(jsonb_agg(to_jsonb(part)), '[]') as content from (", $sql, ") as part")
    };
}

pub(super) async fn profile(client: &impl SqlClient, user: Uuid) -> Result<Option<Value>, DbError> {
    let sql = "select to_jsonb(part) as content from (
                   select id as user_id, email,
                       email_key is not null and verified_email_key is not distinct from email_key as email_verified,
                       login, display_name, first_name, last_name, phone, locale, status, created_at, updated_at,
                       password_changed_at, exported_at
                   from auth.users where id = $1) as part";
    let statement = client.prepare_cached(sql).await?;
    let row = client.query_opt(&statement, &[&user]).await?;
    row.map(|row| Ok(row.try_get("content")?)).transpose()
}

pub(super) async fn roles(client: &impl SqlClient, user: Uuid) -> Result<Value, DbError> {
    let sql = list!(
        "select r.name, r.title, held.granted_at, held.expires_at
         from auth.user_roles held join auth.roles r on r.id = held.role_id
         where held.user_id = $1 order by r.name collate \"C\""
    );
    read(client, sql, user).await
}

pub(super) async fn linked_accounts(client: &impl SqlClient, user: Uuid) -> Result<Value, DbError> {
    let sql = list!(
        "select provider, subject, email, is_email_vouched, display_name, linked_at, last_login_at
         from auth.oauth_accounts where user_id = $1 order by linked_at"
    );
    read(client, sql, user).await
}

pub(super) async fn consents(client: &impl SqlClient, user: Uuid) -> Result<Value, DbError> {
    let sql = list!("select version, given_at from auth.consents where user_id = $1 order by given_at");
    read(client, sql, user).await
}

pub(super) async fn sessions(client: &impl SqlClient, user: Uuid) -> Result<Value, DbError> {
    let sql = list!(
        "select id as session_id, created_at, authenticated_at, last_used_at, expires_at, amr, provider,
             host(address) as address, user_agent, device_name, revoked_at
         from auth.sessions where user_id = $1 order by created_at desc"
    );
    read(client, sql, user).await
}

pub(super) async fn login_history(client: &impl SqlClient, user: Uuid) -> Result<Value, DbError> {
    let sql = list!(
        "select event, occurred_at, session_id, host(address) as address, user_agent, coalesce(attempts, 1) as attempts,
             provider
         from auth.login_history where user_id = $1 order by occurred_at desc, id desc limit 10000"
    );
    read(client, sql, user).await
}

pub(super) async fn notices(client: &impl SqlClient, user: Uuid) -> Result<Value, DbError> {
    let sql = list!(
        "select kind, occurred_at, browser, system, host(network) as network, provider
         from auth.notices where user_id = $1 order by occurred_at desc"
    );
    read(client, sql, user).await
}

pub(super) async fn known_networks(client: &impl SqlClient, user: Uuid) -> Result<Value, DbError> {
    let sql = list!(
        "select host(prefix) as network, signed_in_at from auth.known_networks
         where user_id = $1 order by signed_in_at desc"
    );
    read(client, sql, user).await
}

pub(super) async fn email_changes(client: &impl SqlClient, user: Uuid) -> Result<Value, DbError> {
    let sql = list!(
        "select email as former_email, changed_at, undo_until, frozen_until, undone_at
         from auth.email_changes where user_id = $1"
    );
    read(client, sql, user).await
}

pub(super) async fn recoveries(client: &impl SqlClient, user: Uuid) -> Result<Value, DbError> {
    let sql = list!(
        "select email_key as email, began_at, effective_at, objected_at from auth.recoveries where user_id = $1"
    );
    read(client, sql, user).await
}

async fn read(client: &impl SqlClient, sql: &'static str, user: Uuid) -> Result<Value, DbError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_one(&statement, &[&user]).await?.try_get("content")?)
}

/// Notes that the user, who must be locked, asks for an export. Otherwise, in how many seconds the user may.
pub(super) async fn note(tx: &Transaction<'_>, user: Uuid) -> Result<Result<(), u32>, DbError> {
    let note = "update auth.users set exported_at = clock_timestamp()
                where id = $1
                  and (exported_at is null or exported_at <= clock_timestamp() - interval '1 day')";
    if tx.execute(note, &[&user]).await? == 1 {
        return Ok(Ok(()));
    }
    let left = "select ceil(extract(epoch from exported_at + interval '1 day' - clock_timestamp()))::integer as seconds
                from auth.users where id = $1";
    let row = tx.query_opt(left, &[&user]).await?;
    let seconds: Option<i32> = row.map(|row| row.try_get("seconds")).transpose()?.flatten();
    Ok(Err(seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(1).max(1)))
}
