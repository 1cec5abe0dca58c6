//! How many sessions a user may have at a time, and open within an hour.
//!
//! Both are counted while the user is locked, so that parallel sign-ins cannot pass them.

mod store;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::session::after;
use crate::api::{Code, Problem};
use crate::db::{DbError, Transaction};
use crate::guessing::DeviceMark;
use crate::revocations::{self, NewRevocation};

/// How many live sessions one user has at most.
const MOST: i64 = 50;

/// The window in which the sessions that a user opens are counted.
const HOUR: Duration = Duration::from_hours(1);

/// Checks that the user has not opened `most` sessions within the last hour: on the known `device`, or else on all devices.
/// So sign-ins with a stolen password do not keep the user's devices out.
///
/// # Errors
///
/// 429 `too_many_sessions`; 503.
pub(super) async fn check_rate(
    tx: &Transaction<'_>,
    most: u32,
    user: Uuid,
    device: Option<DeviceMark>,
    now: Timestamp,
) -> Result<(), Problem> {
    let opened_at = store::opened_within_hour(tx, user, device, most, now).await?;
    let Some(opened_at) = opened_at else { return Ok(()) };
    let wait = after(opened_at, HOUR).duration_since(now).as_secs();
    tracing::warn!(%user, most, "Sign-in refused: the account has opened too many sessions within an hour.");
    Err(Problem::new(Code::TooManySessions).retry_after(u32::try_from(wait).unwrap_or(1).max(1)))
}

/// Ends sessions of the user until there is room for another one, and returns them.
pub(super) async fn make_room(tx: &Transaction<'_>, issuer: &str, user: Uuid) -> Result<Vec<Uuid>, DbError> {
    let evicted = store::evict(tx, user, MOST - 1).await?;
    let revocations: Vec<_> = evicted.iter().copied().map(NewRevocation::session).collect();
    revocations::record(tx, issuer, &revocations).await?;
    Ok(evicted)
}
