//! The login history: sign-ins, failed attempts, and ended sessions.
//!
//! Writing history must never fail the operation that it records: an entry is written after the operation, on
//! a connection of its own, and a failure is logged and counted. No response waits for the entry of a failed attempt,
//! because its time would tell whether the account exists.

mod entry;
pub mod list;
pub mod refusals;
mod store;

use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::actor::Actor;
use crate::context::Context;
use crate::db::DbError;
use crate::guessing::{RefusalEntry, RefusalKind};

pub(crate) use entry::{Event, HistoryEntry, LoginFailure};
pub(crate) use store::SHORTEN_ADDRESSES;

/// How long an operation waits for its entry to be written: for a connection, and for PostgreSQL.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many refreshes from elsewhere of one user get an entry each within an hour. Further ones are counted in one entry.
const MOST_ELSEWHERE: u32 = 20;

/// Why an entry was not written in time.
#[derive(Debug, thiserror::Error)]
enum NotWritten {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("PostgreSQL took longer than {PATIENCE:?}; the entry may still be written")]
    Late(#[from] Elapsed),
    #[error("the task that writes the entry ended early")]
    Ended(#[from] JoinError),
    #[error("too many entries of failed attempts are being written")]
    TooMany,
}

/// Writes `entry` if that can be done soon, and counts it if it is a sign-in or a refused one.
pub(crate) async fn record(context: &Context, actor: &Actor, entry: HistoryEntry) {
    if let Some(outcome) = entry.event.sign_in() {
        context.metrics.sign_in(outcome);
    }
    // A row for each name that a stranger invents would let strangers fill the disk.
    if entry.event == Event::LoginFailed(LoginFailure::UnknownName) {
        let (now, address) = (context.clock.unix_seconds(), actor.address());
        let bundle = RefusalEntry::new(RefusalKind::UnknownName, None, address, now);
        context.guessing.refusals.count(bundle, address, actor.request_id(), now);
        return;
    }
    // One session could write any number of these by sending another user agent each time.
    if entry.event == Event::RefreshElsewhere {
        let (now, address) = (context.clock.unix_seconds(), actor.address());
        let bundle = RefusalEntry::new(RefusalKind::RefreshElsewhere, entry.user, address, now);
        let refusals = &context.guessing.refusals;
        if !refusals.count_beyond(MOST_ELSEWHERE, bundle, address, actor.request_id(), now) {
            return;
        }
    }
    if entry.event.is_failed_attempt() {
        write_later(context, actor, entry);
    } else if let Err(error) = write(context, actor, entry).await {
        failed(context, entry.event, &error);
    }
}

fn failed(context: &Context, event: Event, error: &NotWritten) {
    context.metrics.history_failures.inc();
    tracing::warn!(
        %error,
        event = event.name(),
        "Failed to write a login-history entry; the operation itself succeeded."
    );
}

/// Writes an entry that nothing waits for but the end of the service.
fn write_later(context: &Context, actor: &Actor, entry: HistoryEntry) {
    let Some(place) = context.unawaited.take_place() else {
        return failed(context, entry.event, &NotWritten::TooMany);
    };
    let (new, context) = (store::NewEntry::new(context.random.id(), actor, entry), context.clone());
    tokio::spawn(async move {
        if let Err(error) = store::insert(context.db.clone(), new).await {
            failed(&context, entry.event, &error.into());
        }
        drop(place);
    });
}

/// In a task of its own, which runs to its end: if it was dropped during a statement, its connection would
/// return to the pool with a response outstanding, and its next user would wait for it.
async fn write(context: &Context, actor: &Actor, entry: HistoryEntry) -> Result<(), NotWritten> {
    let new = store::NewEntry::new(context.random.id(), actor, entry);
    let writing = tokio::spawn(store::insert(context.db.clone(), new));
    Ok(timeout(PATIENCE, writing).await???)
}

/// The name of every event.
#[cfg(test)]
pub(crate) fn event_names() -> impl Iterator<Item = &'static str> {
    Event::ALL.iter().map(|event| event.name())
}
