//! Ends assignments when they expire: deletes the row, and begins a new token generation of the user.
//!
//! No token outlives the earliest expiry of its roles, so tokens expire soon in any case. This task makes the
//! moment precise at the sidecars, which allow for clock differences, and sets the reason "refresh needed".
//! One replica at a time runs it, for many users in one transaction: subscriptions end together at the end of
//! a month.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::assignments::{EndedAssignment, delete_ended, make_tokens_old};
use super::store;
use crate::access::hold_definitions;
use crate::actor::Actor;
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Context;
use crate::db::{DbError, Transaction};
use crate::users;

/// The longest pause between two runs. An assignment created with a nearer expiry may end this much later at
/// the sidecars; its tokens never do.
const LOOK: Duration = Duration::from_secs(1);

/// The shortest pause, so that an almost expired assignment is not queried again and again.
const PAUSE: Duration = Duration::from_millis(1);

/// About how many assignments end in one transaction.
const PAGE: i64 = 500;

/// Ends expired assignments, without end.
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
                    tracing::warn!(%error, "Cannot end expired role assignments; tokens with these roles still expire.");
                }
                was_away = true;
                LOOK
            }
        };
        sleep(pause).await;
    }
}

/// Ends expired assignments; returns how long to wait before the next run.
async fn end_due(context: &Context) -> Result<Duration, DbError> {
    let mut connection = context.db.get().await?;
    loop {
        let due = store::due(&connection, PAGE).await?;
        if due.people.is_empty() {
            return Ok(due.next.map_or(LOOK, |next| until(due.now, next)));
        }
        let tx = connection.begin().await?;
        if !store::try_ends_lock(&tx).await? {
            // Another replica is running this task.
            tx.rollback().await?;
            return Ok(LOOK);
        }
        end_of(context, tx, &due.people).await?;
    }
}

/// Ends the expired assignments of all `people`.
async fn end_of(context: &Context, tx: Transaction<'_>, people: &[Uuid]) -> Result<(), DbError> {
    hold_definitions(&tx).await?;
    users::store::lock_all(&tx, people).await?;
    let ended = delete_ended(&tx, people).await?;
    let mut holders: Vec<Uuid> = ended.iter().map(|ended| ended.user).collect();
    holders.sort_unstable();
    holders.dedup();
    make_tokens_old(&tx, &context.issuer, &holders).await?;
    let entry = |ended: &EndedAssignment| {
        let detail = json!({ "role_id": ended.role_id, "role": ended.role });
        AuditEntry::new(AuditAction::RoleEnded, ended.user, detail)
    };
    let entries = ended.iter().map(entry).collect();
    audit::record_all(&tx, &context.audit_keys, &Actor::service(), entries).await?;
    tx.commit().await?;
    context.metrics.assignments_ended.inc_by(ended.len() as u64);
    tracing::info!(people = holders.len(), assignments = ended.len(), "Expired role assignments ended.");
    Ok(())
}

fn until(now: Timestamp, next: Timestamp) -> Duration {
    Duration::try_from(next.duration_since(now)).unwrap_or(PAUSE).clamp(PAUSE, LOOK)
}
