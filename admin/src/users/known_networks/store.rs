//! The SQL of known networks.

use std::net::IpAddr;

use uuid::Uuid;

use crate::db::{DbError, Transaction};
use crate::limits::Network;
use crate::purge::{Batch, DAILY, Purge};

/// How many networks of a user are kept.
const MOST: i64 = 16;

/// Deletes networks from which the user has not signed in for 30 days.
pub(crate) const PURGE: Purge = Purge {
    name: "known_networks",
    every: DAILY,
    days: |_| 30,
    batch: Batch::Found(
        "delete from auth.known_networks k using (
             select user_id, prefix from auth.known_networks
             where signed_in_at < clock_timestamp() - make_interval(days => $2)
             order by signed_in_at limit $1 for update skip locked) old
         where k.user_id = old.user_id and k.prefix = old.prefix",
    ),
};

/// Notes that the user, who must be locked, signed in from `address`, and removes what is too old or too much.
///
/// The time is noted to the hour, so that parallel sign-ins do not wait for each other's row. Rows that another
/// transaction has locked are not removed now: waiting for them could be a deadlock.
pub(crate) async fn note(tx: &Transaction<'_>, user: Uuid, address: Option<IpAddr>) -> Result<(), DbError> {
    let Some(prefix) = address.map(|address| Network::site(address).address()) else { return Ok(()) };
    let sql = "insert into auth.known_networks (user_id, prefix)
               select $1, $2 where not exists (
                   select from auth.known_networks
                   where user_id = $1 and prefix = $2 and signed_in_at > clock_timestamp() - interval '1 hour')
               on conflict (user_id, prefix) do update set signed_in_at = excluded.signed_in_at";
    let statement = tx.prepare_cached(sql).await?;
    if tx.execute(&statement, &[&user, &prefix]).await? == 0 {
        return Ok(());
    }
    let sql = "delete from auth.known_networks k using (
                   select prefix from auth.known_networks where user_id = $1
                   order by signed_in_at desc, prefix offset $2 for update skip locked) surplus
               where k.user_id = $1 and k.prefix = surplus.prefix";
    let statement = tx.prepare_cached(sql).await?;
    tx.execute(&statement, &[&user, &MOST]).await?;
    Ok(())
}
