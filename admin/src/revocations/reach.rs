//! Whether a revocation has reached every sidecar.
//!
//! Sidecars acknowledge how far they have read the log, under keys that expire. Once [`MAX_AGE`] has passed since the commit,
//! no acknowledgement is needed: a sidecar that has not applied the revocation is no longer fresh.

use std::time::Duration;

use redis::{RedisError, cmd};
use shared::revocation::{LogPosition, MAX_AGE, RedisKeys, SidecarAck};
use tokio::time::{Instant, sleep, timeout_at};

use super::receipt::Receipt;
use super::store;
use crate::context::Context;
use crate::db::DbError;

/// The pause before PostgreSQL or Redis is asked again: short at first, because a revocation usually takes milliseconds.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How far a revocation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// So many sidecars have applied it: all that live.
    All(usize),
    /// The time of the promise has passed, and every sidecar that calls itself fresh has applied it.
    Bound,
}

/// A sidecar that lives.
#[derive(Debug, Clone)]
pub(crate) struct LiveSidecar {
    /// Its name, which it has until it ends.
    pub(crate) name: String,
    pub(crate) ack: SidecarAck,
}

/// Waits until every sidecar that lives has applied the revocation, or the time of the promise has passed. Without a receipt,
/// because it was recorded before, or if too many wait already, that time passes.
pub(crate) async fn reach_all(context: &Context, receipt: Option<Receipt>) -> Reached {
    let end = Instant::now() + MAX_AGE;
    let place = context.receipts.try_acquire().ok();
    let (Some(receipt), Some(_place)) = (receipt, place) else {
        tokio::time::sleep_until(end).await;
        return Reached::Bound;
    };
    let reached = timeout_at(end, reached_by_all(context, receipt)).await;
    reached.map_or(Reached::Bound, Reached::All)
}

async fn reached_by_all(context: &Context, receipt: Receipt) -> usize {
    let mut pause = SHORTEST_PAUSE;
    loop {
        // A store that fails now may answer in time.
        if let Ok(Some(reached)) = has_reached(context, receipt).await {
            return reached;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// How many sidecars there are, if all of them have it. Without any there is no receipt: Redis may refuse what they write.
async fn has_reached(context: &Context, receipt: Receipt) -> Result<Option<usize>, ReceiptError> {
    let Some(position) = store::published_at(&context.db.get().await?, receipt).await? else {
        return Ok(None);
    };
    let sidecars = live_sidecars(context).await?;
    let have_all = !sidecars.is_empty() && sidecars.iter().all(|sidecar| sidecar.ack.position >= position);
    Ok(have_all.then_some(sidecars.len()))
}

#[derive(Debug, thiserror::Error)]
enum ReceiptError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Redis(#[from] RedisError),
}

/// The sidecars whose acknowledgements have not expired, by name. Those that have another form are ignored.
///
/// # Errors
///
/// When Redis is unavailable.
pub(crate) async fn live_sidecars(context: &Context) -> Result<Vec<LiveSidecar>, RedisError> {
    let keys = RedisKeys::new(context.redis.prefix());
    let mut found: Vec<String> = Vec::new();
    let mut cursor = 0_u64;
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(keys.ack_pattern()).arg("COUNT").arg(1000);
        let (next, page): (u64, Vec<String>) = context.redis.run("SCAN", &scan).await?;
        found.extend(page);
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<Option<String>> = context.redis.run("MGET", cmd("MGET").arg(&found)).await?;
    let live = found.iter().zip(values).filter_map(|(key, value)| {
        Some(LiveSidecar { name: keys.ack_name(key)?.to_owned(), ack: value?.parse().ok()? })
    });
    Ok(live.collect())
}

/// The end of the log; `None` if there is none.
///
/// # Errors
///
/// When Redis is unavailable.
pub(crate) async fn log_end(context: &Context) -> Result<Option<LogPosition>, RedisError> {
    let keys = RedisKeys::new(context.redis.prefix());
    let mut read = cmd("HMGET");
    read.arg(&keys.meta).arg("epoch").arg("seq");
    let (epoch, seq): (Option<u64>, Option<u64>) = context.redis.run("HMGET", &read).await?;
    Ok(epoch.zip(seq).map(|(epoch, seq)| LogPosition { epoch, seq }))
}
