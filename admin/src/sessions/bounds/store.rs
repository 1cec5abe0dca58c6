//! The SQL of the bounds of sessions.

use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{DbError, Transaction};
use crate::guessing::DeviceMark;
use crate::sessions::session::EndReason;
use crate::sessions::store::is_live;

/// The reasons for which sessions of an intruder end.
const SHUT_OUT: [&str; 3] =
    [EndReason::PasswordChanged.as_str(), EndReason::Admin.as_str(), EndReason::EmailClaimed.as_str()];

/// When the user opened the session that is `most` sessions ago, on `device` if it is known, if that was within an hour
/// before `now`. Sessions that ended because an intruder was shut out do not count.
pub(super) async fn opened_within_hour(
    tx: &Transaction<'_>,
    user: Uuid,
    device: Option<DeviceMark>,
    most: u32,
    now: Timestamp,
) -> Result<Option<Timestamp>, DbError> {
    let sql = "select created_at from auth.sessions
               where user_id = $1 and created_at > $2::timestamptz - interval '1 hour'
                   and ($4::bytea is null or device_mark = $4)
                   and (revoke_reason is null or revoke_reason <> all($5))
               order by created_at desc offset $3 limit 1";
    let statement = tx.prepare_cached(sql).await?;
    let device = device.as_ref().map(DeviceMark::as_bytes);
    let row = tx
        .query_opt(
            &statement,
            &[&user, &now, &i64::from(most.saturating_sub(1)), &device, &SHUT_OUT.as_slice()],
        )
        .await?;
    Ok(row.map(|row| row.try_get("created_at")).transpose()?)
}

/// Revokes and returns the active sessions of the user beyond the best `kept`. First go those that were unused for a week,
/// the most idle first; then the newest of those whose client sends no device token, so that sign-ins with a stolen
/// password do not end the sessions on the user's devices; then the most idle of the others. The user must be locked,
/// so that no session is created meanwhile.
pub(super) async fn evict(tx: &Transaction<'_>, user: Uuid, kept: i64) -> Result<Vec<Uuid>, DbError> {
    let sql = concat!(
        "update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = $3
         where revoked_at is null and id in (
             select id from (
                 select id, created_at, priority, case when priority <> 2 then last_used_at end as last_used_at
                 from auth.sessions cross join lateral (
                     select case when last_used_at <= clock_timestamp() - interval '7 days' then 3
                                 when not device_returned then 2
                                 else 1 end as priority) as ranked
                 where user_id = $1 and ",
        is_live!(),
        "    ) as live
             order by priority, last_used_at desc, created_at, id offset $2)
         returning id"
    );
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, &[&user, &kept, &EndReason::Evicted.as_str()]).await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}
