//! Writes the attempts that are counted together into the login history: one row for each bucket, subject and window, every
//! few seconds.

use std::time::Duration;

use jiff::Timestamp;

use super::entry::{Event, LoginFailure};
use super::store::{self, Bundled};
use crate::context::Context;
use crate::db::DbError;
use crate::guessing::{CountedRefusals, RefusalKind, RefusalSubject};

/// How often they are written. Each time it is at most one statement a row, whatever the number of attempts.
const PAUSE: Duration = Duration::from_secs(2);

/// How many rows a transaction writes.
const AT_ONCE: usize = 256;

/// Writes them now and then, without end. The service writes the last ones by [`flush`] when it stops.
pub async fn keep(context: Context) {
    loop {
        tokio::time::sleep(PAUSE).await;
        flush(&context).await;
    }
}

/// Writes what was counted since the last time. What cannot be written is counted again.
pub async fn flush(context: &Context) {
    let mut counted = context.guessing.refusals.take(context.clock.unix_seconds());
    while !counted.is_empty() {
        let rest = counted.split_off(counted.len().min(AT_ONCE));
        if let Err(error) = write(context, &counted).await {
            context.metrics.history_failures.inc();
            tracing::warn!(%error, "Refused attempts are not in the login history yet; trying again.");
            context.guessing.refusals.put_back(counted);
            context.guessing.refusals.put_back(rest);
            return;
        }
        counted = rest;
    }
}

async fn write(context: &Context, counted: &[CountedRefusals]) -> Result<(), DbError> {
    let rows: Vec<Bundled> = counted.iter().map(|counted| row(context, counted)).collect();
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    store::add(&tx, &rows).await?;
    tx.commit().await
}

fn row(context: &Context, counted: &CountedRefusals) -> Bundled {
    let begins_at = i64::try_from(counted.entry.begins_at()).unwrap_or(0);
    Bundled {
        id: context.guessing.history_id(counted.entry),
        occurred_at: Timestamp::from_second(begins_at).unwrap_or(Timestamp::UNIX_EPOCH),
        user: match counted.entry.subject {
            RefusalSubject::User(user) => Some(user),
            RefusalSubject::Site(_) | RefusalSubject::Others => None,
        },
        event: match counted.entry.kind {
            RefusalKind::Refused(bucket) => Event::AttemptsRefused(bucket),
            RefusalKind::UnknownName => Event::LoginFailed(LoginFailure::UnknownName),
            RefusalKind::RefreshElsewhere => Event::RefreshElsewhere,
            RefusalKind::TooManySessions => Event::LoginFailed(LoginFailure::TooManySessions),
        },
        address: counted.address,
        request_id: counted.request_id.clone(),
        attempts: counted.attempts,
    }
}
