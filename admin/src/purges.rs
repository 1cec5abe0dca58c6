//! Deletes what is old: the list of all purges, and the one loop that runs them.
//!
//! A purge works in batches, each in a transaction of its own. Between two batches it pauses for several times as long as
//! the batch took, and while requests wait for a connection it does not go on: no request should notice it. On several
//! admins each batch is of one of them at a time, and the interval is that of all together.

mod store;

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep};

use crate::context::Context;
use crate::db::DbError;
use crate::purge::{DAILY, Purge, PurgeError};
use crate::{audit, erasure, mail, mail_proof, notices, partitions, recovery, sessions, users};

use store::NextBatch;

/// Everything that is deleted when it is old.
const PURGES: &[Task] = &[
    Task::Rows(&sessions::PURGE),
    Task::Rows(&users::known_networks::store::PURGE),
    Task::Rows(&sessions::history::SHORTEN_ADDRESSES),
    Task::Rows(&users::email_owner::store::PURGE),
    Task::Rows(&users::email_changes::store::PURGE),
    Task::Rows(&users::former_passwords::store::PURGE),
    Task::Rows(&users::recoveries::store::PURGE),
    Task::Rows(&recovery::PURGE),
    Task::Rows(&mail_proof::PURGE),
    Task::Rows(&notices::store::PURGE),
    Task::Rows(&mail::PURGE),
    Task::Rows(&erasure::RECORDS),
    Task::Rows(&erasure::LATE_ROWS),
    Task::Rows(&erasure::KEPT),
    Task::Steps { name: "due_erasures", every: LOOK, step: |context| erasure::complete_due(context).boxed() },
    Task::Steps {
        name: "login_history",
        every: DAILY,
        step: |context| partitions::drop_history(context).boxed(),
    },
    Task::Steps { name: "audit_log", every: DAILY, step: |context| audit::drop_old(context).boxed() },
];

/// One entry of the list.
enum Task {
    /// Old rows of a table.
    Rows(&'static Purge),
    /// Anything else: a step that returns how much it deleted, and is repeated until that is nothing. Safe on several
    /// admins by itself.
    Steps { name: &'static str, every: Duration, step: Step },
}

type Step = for<'c> fn(&'c Context) -> BoxFuture<'c, Result<u64, PurgeError>>;

/// How many rows one batch changes or reads.
const AT_ONCE: i64 = 1000;

/// How often the list is looked through.
const LOOK: Duration = Duration::from_secs(30);

/// The pause before the first look: after a start, users come first.
const AFTER_START: Duration = Duration::from_secs(2);

/// For how many times its own duration a purge pauses after a batch.
const PAUSES: u32 = 4;

/// The shortest pause after a batch.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

/// For how long a batch is put off while requests wait for a connection, and how often that is checked.
const PUT_OFF: Duration = Duration::from_mins(1);
const ROOM_LOOK: Duration = Duration::from_millis(50);

/// Runs the purges that are due, without end.
pub(crate) async fn keep(context: Context) {
    context.metrics.purges.begin(PURGES.iter().map(Task::name));
    sleep(AFTER_START).await;
    loop {
        if let Err(error) = look(&context).await {
            tracing::warn!(%error, "Cannot read which purges are due; retrying later.");
        }
        sleep(LOOK).await;
    }
}

async fn look(context: &Context) -> Result<(), DbError> {
    let runs = store::runs(&context.db.get().await?).await?;
    for run in &runs {
        if let Some(task) = PURGES.iter().find(|task| task.name() == run.name) {
            context.metrics.purges.finished(task.name(), run.finished_at);
        }
    }
    for task in PURGES {
        let run = runs.iter().find(|run| run.name == task.name());
        if run.is_some_and(|run| run.age < task.every()) {
            continue;
        }
        if let Err(error) = run_task(context, task).await {
            context.metrics.purges.failed(task.name());
            tracing::warn!(%error, purge = task.name(), "A purge failed; it is retried in 30 s.");
        }
    }
    Ok(())
}

/// Runs one purge to its end, and notes that.
async fn run_task(context: &Context, task: &Task) -> Result<(), PurgeError> {
    let (mut cursor, mut changed) = (Some(String::new()), 0_u64);
    while let Some(after) = cursor {
        await_room(context).await;
        let begun = Instant::now();
        let (turn, rows) = match task {
            Task::Rows(purge) => batch(context, purge, &after).await?,
            Task::Steps { step, .. } => {
                let rows = step(context).await?;
                (if rows == 0 { NextBatch::Last } else { NextBatch::Further(after) }, rows)
            }
        };
        changed = changed.saturating_add(rows);
        context.metrics.purges.changed(task.name(), rows);
        cursor = match turn {
            // Another admin is at it, or was a moment ago.
            NextBatch::OfAnother => return Ok(()),
            NextBatch::Last => None,
            NextBatch::Further(last) => {
                sleep((begun.elapsed() * PAUSES).max(SHORTEST_PAUSE)).await;
                Some(last)
            }
        };
    }
    if changed > 0 {
        tracing::info!(purge = task.name(), rows = changed, "A purge is complete.");
    }
    let finished_at = store::note_finished(&context.db.get().await?, task.name()).await?;
    context.metrics.purges.finished(task.name(), finished_at);
    Ok(())
}

async fn batch(context: &Context, purge: &Purge, after: &str) -> Result<(NextBatch, u64), DbError> {
    let days = (purge.days)(&context.config.retention);
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let outcome = store::batch(&tx, purge, AT_ONCE, days, after).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// Returns when no request waits for a connection, or it has been put off for long enough: data must be deleted in time
/// under lasting load, too.
async fn await_room(context: &Context) {
    let begun = Instant::now();
    while context.db.status().waiting > 0 && begun.elapsed() < PUT_OFF {
        sleep(ROOM_LOOK).await;
    }
}

impl Task {
    const fn name(&self) -> &'static str {
        match self {
            Self::Rows(purge) => purge.name,
            Self::Steps { name, .. } => name,
        }
    }

    const fn every(&self) -> Duration {
        match self {
            Self::Rows(purge) => purge.every,
            Self::Steps { every, .. } => *every,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purge_has_a_name_of_its_own() {
        let mut names: Vec<_> = PURGES.iter().map(Task::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PURGES.len());
    }
}
