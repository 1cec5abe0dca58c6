//! The login history: sign-ins, failed attempts, and ended sessions.
//!
//! Writing history must never fail the operation that it records: an entry is written after the operation, on
//! a connection of its own, and a failure is logged and counted.

mod entry;
pub mod list;
pub mod partitions;
mod store;

use std::time::Duration;

use tokio::task::JoinError;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use uuid::Uuid;

use crate::actor::Actor;
use crate::context::Context;
use crate::db::DbError;
use crate::guesses::{GuessOrigin, MANY};

pub(crate) use entry::{Event, HistoryEntry, LoginFailure};

/// How long an operation waits for its entry to be written: for a connection, and for PostgreSQL.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why an entry was not written in time.
#[derive(Debug, thiserror::Error)]
enum NotWritten {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("PostgreSQL took longer than {PATIENCE:?}; the entry may still be written")]
    Late(#[from] Elapsed),
    #[error("the task that writes it ended early")]
    Ended(#[from] JoinError),
}

/// Writes `entry` if that can be done soon, and counts it if it is a sign-in or a refused one.
pub(crate) async fn record(context: &Context, actor: &Actor, entry: HistoryEntry) {
    if let Some(outcome) = entry.event.sign_in() {
        context.metrics.sign_in(outcome);
    }
    if entry.event.is_wrong_password() {
        count_guess(context, actor, entry.user);
    }
    if let Err(error) = write(context, actor, entry).await {
        context.metrics.history_failures.inc();
        tracing::warn!(
            %error,
            event = entry.event.name(),
            "Failed to write a login-history entry; the operation itself succeeded."
        );
    }
}

/// Warns once for many wrong passwords from one address, or for one account. Unknown names are counted by address
/// alone.
fn count_guess(context: &Context, actor: &Actor, user: Option<Uuid>) {
    let (now, address) = (context.clock.unix_seconds(), actor.address());
    if address.is_some_and(|address| context.guesses.count(GuessOrigin::address(address), now)) {
        let client = address.map(tracing::field::display);
        tracing::warn!(client, failures = MANY, "Many wrong passwords from one address within ten minutes.");
    }
    if user.is_some_and(|user| context.guesses.count(GuessOrigin::Account(user), now)) {
        let (user, client) = (user.map(tracing::field::display), address.map(tracing::field::display));
        tracing::warn!(
            user,
            client,
            failures = MANY,
            "Many wrong passwords for one account within ten minutes."
        );
    }
}

/// In a task of its own, which runs to its end: if it was dropped during a statement, its connection would
/// return to the pool with a response outstanding, and its next user would wait for it.
async fn write(context: &Context, actor: &Actor, entry: HistoryEntry) -> Result<(), NotWritten> {
    let new = store::NewEntry::new(context.random.id(), actor, entry);
    let writing = tokio::spawn(store::insert(context.db.clone(), new));
    Ok(timeout(PATIENCE, writing).await???)
}
