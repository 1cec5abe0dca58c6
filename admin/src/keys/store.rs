//! The SQL of signing keys.

use tokio_postgres::Row;

use crate::db::{DbError, Transaction};

use super::key::{KeyRow, NewKey, Status};

/// Advisory lock for changes of the table, so that two replicas or operators do not change it concurrently.
const LOCK: i64 = 0x0075_7368_6572_0002;

/// Notified by every change of the table.
pub(super) const CHANNEL: &str = "usher_signing_keys";

/// A line of `admin keys list`.
#[derive(Debug, Clone)]
pub struct ListedKey {
    /// Its name.
    pub kid: String,
    /// Its status.
    pub status: String,
    /// When it entered this status, in UTC.
    pub since: String,
}

/// All published keys. A retired key stays published while a token that it signed can be valid: for the
/// longest token life in force, and five more minutes for replicas that signed with it a little longer and
/// for clock differences.
pub(super) async fn published(client: &deadpool_postgres::Client) -> Result<Vec<KeyRow>, DbError> {
    let statement = client
        .prepare_cached(
            "select kid, status, private_sealed, public_jwk from auth.signing_keys
             where status in ('next', 'active')
                or status = 'retired'
                   and retired_at > clock_timestamp() - auth.longest_access_token_life() - interval '5 minutes'
             order by created_at, kid collate \"C\"",
        )
        .await?;
    Ok(client.query(&statement, &[]).await?.iter().map(key_row).collect())
}

/// All keys ever created, newest first.
pub(super) async fn all(client: &deadpool_postgres::Client) -> Result<Vec<ListedKey>, DbError> {
    let rows = client
        .query(
            "select kid, status,
                    to_char(coalesce(killed_at, retired_at, activated_at, published_at) at time zone 'UTC',
                            'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as since
             from auth.signing_keys order by created_at desc, kid collate \"C\"",
            &[],
        )
        .await?;
    let listed =
        |row: &Row| ListedKey { kid: row.get("kid"), status: row.get("status"), since: row.get("since") };
    Ok(rows.iter().map(listed).collect())
}

/// Waits for the advisory lock, and holds it until the transaction ends.
pub(super) async fn lock(transaction: &Transaction<'_>) -> Result<(), DbError> {
    transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    Ok(())
}

/// The status of one key.
pub(super) async fn status(transaction: &Transaction<'_>, kid: &str) -> Result<Option<Status>, DbError> {
    let row = transaction.query_opt("select status from auth.signing_keys where kid = $1", &[&kid]).await?;
    Ok(row.map(|row| Status::from_text(row.get("status"))))
}

/// The name of the only key with this status, and for how many seconds it has been published.
pub(super) async fn holder(
    transaction: &Transaction<'_>,
    status: &str,
) -> Result<Option<(String, f64)>, DbError> {
    let row = transaction
        .query_opt(
            "select kid, extract(epoch from clock_timestamp() - published_at)::double precision as published
             from auth.signing_keys where status = $1",
            &[&status],
        )
        .await?;
    Ok(row.map(|row| (row.get("kid"), row.get("published"))))
}

pub(super) async fn insert_next(transaction: &Transaction<'_>, key: &NewKey) -> Result<(), DbError> {
    transaction
        .execute(
            "insert into auth.signing_keys (kid, status, private_sealed, public_jwk)
             values ($1, 'next', $2, $3)",
            &[&key.kid, &key.private_sealed, &key.public_jwk],
        )
        .await?;
    Ok(())
}

pub(super) async fn retire_active(transaction: &Transaction<'_>) -> Result<(), DbError> {
    let retire = "update auth.signing_keys set status = 'retired', retired_at = clock_timestamp()
                  where status = 'active'";
    transaction.execute(retire, &[]).await?;
    Ok(())
}

pub(super) async fn activate_next(transaction: &Transaction<'_>) -> Result<(), DbError> {
    let activate = "update auth.signing_keys set status = 'active', activated_at = clock_timestamp()
                    where status = 'next'";
    transaction.execute(activate, &[]).await?;
    Ok(())
}

pub(super) async fn mark_killed(transaction: &Transaction<'_>, kid: &str) -> Result<(), DbError> {
    let kill = "update auth.signing_keys set status = 'killed', killed_at = clock_timestamp() where kid = $1";
    transaction.execute(kill, &[&kid]).await?;
    Ok(())
}

/// Notifies all replicas to reload the table after the commit.
pub(super) async fn notify(transaction: &Transaction<'_>) -> Result<(), DbError> {
    transaction.execute("select pg_notify($1, '')", &[&CHANNEL]).await?;
    Ok(())
}

/// Declares that this process mints tokens with a life of `life_seconds`.
pub(super) async fn declare_life(
    client: &deadpool_postgres::Client,
    life_seconds: i32,
) -> Result<(), DbError> {
    client
        .execute(
            "insert into auth.access_token_lives (life_seconds, in_force_at) values ($1, clock_timestamp())
             on conflict on constraint access_token_lives_pkey do update set in_force_at = clock_timestamp()",
            &[&life_seconds],
        )
        .await?;
    Ok(())
}

/// The check value of the master key `id`, if one is stored.
pub(super) async fn check_value(
    client: &deadpool_postgres::Client,
    id: u8,
) -> Result<Option<Vec<u8>>, DbError> {
    let select = "select check_value from auth.master_keys where id = $1";
    let row = client.query_opt(select, &[&i16::from(id)]).await?;
    Ok(row.map(|row| row.get("check_value")))
}

/// Stores the check value of the master key `id` unless there is one, and returns the stored one.
pub(super) async fn store_check_value(
    client: &deadpool_postgres::Client,
    id: u8,
    value: &[u8],
) -> Result<Vec<u8>, DbError> {
    let insert = "insert into auth.master_keys (id, check_value) values ($1, $2)
                  on conflict on constraint master_keys_pkey do nothing";
    client.execute(insert, &[&i16::from(id), &value]).await?;
    Ok(check_value(client, id).await?.unwrap_or_default())
}

/// The newest signing keys that are sealed under the master key `id`, with their names.
pub(super) async fn sealed_under(
    client: &deadpool_postgres::Client,
    id: u8,
) -> Result<Vec<(String, Vec<u8>)>, DbError> {
    let select = "select kid, private_sealed from auth.signing_keys
                  where octet_length(private_sealed) > 0 and get_byte(private_sealed, 0) = $1
                  order by created_at desc, kid collate \"C\" limit 10";
    let rows = client.query(select, &[&i32::from(id)]).await?;
    Ok(rows.iter().map(|row| (row.get("kid"), row.get("private_sealed"))).collect())
}

fn key_row(row: &Row) -> KeyRow {
    KeyRow {
        kid: row.get("kid"),
        status: Status::from_text(row.get("status")),
        private_sealed: row.get("private_sealed"),
        public_jwk: row.get("public_jwk"),
    }
}
