//! Assignments end when their moment comes: the row goes, and the person's tokens are old.
//!
//! No token outlives the earliest end of a role that it carries, so none is good for long after that moment anyway;
//! this makes it precise at the sidecars, which allow for clocks, and says that a refresh helps. One replica at a time
//! does it, many people in one transaction: subscriptions end together at the end of a month.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::assignments::{Ended, delete_ended, make_tokens_old};
use super::store;
use crate::access::hold_definitions;
use crate::audit::{self, Action, Actor, Entry};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::users;

/// The longest that nothing is looked for. An assignment that is made with an end nearer than this may end this much
/// later at the sidecars; its tokens never do.
const LOOK: Duration = Duration::from_secs(1);

/// The shortest pause, so that a moment that is almost there is not asked for again and again.
const PAUSE: Duration = Duration::from_millis(1);

/// How many assignments end in one transaction, about.
const PAGE: i64 = 500;

/// Ends what has to end, for ever.
pub async fn keep(context: Context) {
    let mut was_away = false;
    loop {
        let pause = match end_due(&context).await {
            Ok(pause) => {
                was_away = false;
                pause
            }
            Err(error) => {
                if !was_away {
                    tracing::warn!(%error, "Assignments of roles cannot end at the moment; tokens end all the same.");
                }
                was_away = true;
                LOOK
            }
        };
        sleep(pause).await;
    }
}

/// Ends what is due; how long to wait for the next.
async fn end_due(context: &Context) -> Result<Duration, DbError> {
    let mut connection = context.db.get().await?;
    loop {
        let due = store::due(&connection, PAGE).await?;
        if due.people.is_empty() {
            return Ok(due.next.map_or(LOOK, |next| until(due.now, next)));
        }
        let tx = connection.begin().await?;
        if !store::try_ends_lock(&tx).await? {
            // Another replica is at it.
            tx.rollback().await?;
            return Ok(LOOK);
        }
        end_of(context, tx, &due.people).await?;
    }
}

/// Ends what has ended for all of `people`.
async fn end_of(context: &Context, tx: Transaction<'_>, people: &[Uuid]) -> Result<(), DbError> {
    hold_definitions(&tx).await?;
    users::store::lock_all(&tx, people).await?;
    let ended = delete_ended(&tx, people).await?;
    let mut holders: Vec<Uuid> = ended.iter().map(|ended| ended.user).collect();
    holders.sort_unstable();
    holders.dedup();
    make_tokens_old(&tx, &context.config.tokens.issuer, &holders).await?;
    let entry = |ended: &Ended| {
        let detail = json!({ "role_id": ended.role_id, "role": ended.role });
        Entry::new(Action::RoleEnded, ended.user, detail)
    };
    let entries = ended.iter().map(entry).collect();
    audit::record_all(&tx, &context.audit_keys, &Actor::service(), entries).await?;
    tx.commit().await?;
    context.metrics.assignments_ended.inc_by(ended.len() as u64);
    tracing::info!(people = holders.len(), assignments = ended.len(), "Assignments of roles ended.");
    Ok(())
}

fn until(now: Timestamp, next: Timestamp) -> Duration {
    Duration::try_from(next.duration_since(now)).unwrap_or(PAUSE).clamp(PAUSE, LOOK)
}
