//! Assignments end when their moment comes: the row goes, and the person's tokens are old.
//!
//! No token outlives the earliest end of a role that it carries, so none is good for long after that moment anyway;
//! this makes it precise at the sidecars, which allow for clocks, and says that a refresh helps. Every replica does it;
//! whoever has the person's lock first does all of it, and the others find nothing left.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::assignments::{delete_ended, make_tokens_old};
use super::store;
use crate::audit::{self, Action, Actor, Entry};
use crate::context::Context;
use crate::db::DbError;
use crate::users;

/// The longest that nothing is looked for. An assignment that is made with an end nearer than this may end this much
/// later at the sidecars; its tokens never do.
const LOOK: Duration = Duration::from_secs(1);

/// The shortest pause, so that a moment that is almost there is not asked for again and again.
const PAUSE: Duration = Duration::from_millis(1);

/// How many people are looked up at once.
const PAGE: i64 = 100;

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
    loop {
        let due = {
            let connection = context.db.get().await?;
            store::due(&connection, PAGE).await?
        };
        if due.people.is_empty() {
            return Ok(due.next.map_or(LOOK, |next| until(due.now, next)));
        }
        for user in due.people {
            end_of(context, user).await?;
        }
    }
}

async fn end_of(context: &Context, user: Uuid) -> Result<(), DbError> {
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    store::hold_definitions(&tx).await?;
    users::store::lock_all(&tx, &[user]).await?;
    let ended = delete_ended(&tx, user).await?;
    if ended.is_empty() {
        return tx.rollback().await;
    }
    make_tokens_old(&tx, &context.config.tokens.issuer, user).await?;
    for (role_id, role) in &ended {
        let entry =
            Entry::new(Action::RoleEnded, user.to_string(), json!({ "role_id": role_id, "role": role }));
        audit::record(&tx, &context.audit_keys, &Actor::service(), entry).await?;
    }
    tx.commit().await?;
    context.metrics.assignments_ended.inc_by(ended.len() as u64);
    tracing::info!(%user, roles = ended.len(), "Roles of a person ended.");
    Ok(())
}

fn until(now: Timestamp, next: Timestamp) -> Duration {
    Duration::try_from(next.duration_since(now)).unwrap_or(PAUSE).clamp(PAUSE, LOOK)
}
