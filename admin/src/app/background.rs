//! The tasks beside the requests: what they are, in which order they start, and which of them end with the service.

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::prepare::prepare;
use super::run_error::RunError;
use crate::context::Context;
use crate::mail::MailWorker;
use crate::partitions;
use crate::purges;
use crate::revocations::Relay;
use crate::roles::ends;
use crate::sessions::history::refusals;
use crate::stop::Stop;
use crate::users::password_schemes;

/// Prepares, then runs the background tasks. Returns only on failure.
pub(super) async fn work(
    context: &Context,
    (relay, mail): (Relay, Option<MailWorker>),
    after_drain: Stop,
    tried: &Notify,
    background: &mut JoinSet<Part>,
) -> RunError {
    let watch = context.clone();
    background.spawn(async move {
        watch.db.watch(&watch.config.database).await;
        Part::Endless
    });
    if let Err(error) = prepare(context, tried).await {
        return error;
    }
    tracing::info!("Ready.");
    let stop = after_drain.clone();
    background.spawn(async move {
        relay.run(stop).await;
        Part::Ending
    });
    match mail {
        Some(mail) => {
            background.spawn(async move {
                mail.run(after_drain).await;
                Part::Ending
            });
        }
        None => {
            tracing::info!("Mail is off, because ADMIN_MAIL_URL is not set: no notices are sent by mail.");
        }
    }
    maintain(context, background);
    let _ended = background.join_next().await;
    RunError::Background
}

/// Starts what keeps the keys, the expiries and the tables in order.
fn maintain(context: &Context, background: &mut JoinSet<Part>) {
    let key_watch = context.clone();
    background.spawn(async move {
        let life = key_watch.config.tokens.access_life;
        key_watch.keys.keep_fresh(&key_watch.config.database, &key_watch.db, life).await;
        Part::Endless
    });
    let expiry = context.clone();
    background.spawn(async move {
        ends::keep(expiry).await;
        Part::Endless
    });
    let schemes_task = context.clone();
    background.spawn(async move {
        password_schemes::keep_adapted(schemes_task).await;
        Part::Endless
    });
    let partition_task = context.clone();
    background.spawn(async move {
        partitions::keep_daily(partition_task).await;
        Part::Endless
    });
    let attempts = context.clone();
    background.spawn(async move {
        refusals::keep(attempts).await;
        Part::Endless
    });
    let purge_task = context.clone();
    background.spawn(async move {
        purges::keep(purge_task).await;
        Part::Endless
    });
}

/// How a background task ends.
pub(super) enum Part {
    /// It ends when asked to stop.
    Ending,
    /// It never ends.
    Endless,
}

/// It ends when the relay has published the remaining rows, and no mail is being sent.
pub(super) async fn finish(background: &mut JoinSet<Part>, mut ending: usize) {
    while ending > 0 {
        match background.join_next().await {
            Some(Ok(Part::Ending)) => ending -= 1,
            Some(_) => {}
            None => return,
        }
    }
}
