//! What must be so before the service is ready: the schema, the keys, and what other processes must know.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::run_error::RunError;
use crate::context::Context;
use crate::db::{Schema, within};
use crate::keys::{self, FirstUse};
use crate::users::password_schemes;

/// How long to wait before trying an unreachable PostgreSQL again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long one attempt to prepare may take; longer than PostgreSQL lets a statement wait for a lock.
const PREPARING: Duration = Duration::from_secs(15);

/// Waits for PostgreSQL, then checks the schema, the keys and this process's token life. Signals `tried`
/// after the first attempt.
pub(super) async fn prepare(context: &Context, tried: &Notify) -> Result<(), RunError> {
    loop {
        let prepared = within(PREPARING, prepare_once(context)).await;
        tried.notify_one();
        match prepared {
            Err(RunError::Database(error)) if error.is_passing() => {
                tracing::warn!(reason = %error, "PostgreSQL is unavailable; answering requests with 503 \
                    until it is back.");
                sleep(PAUSE).await;
            }
            prepared => return prepared,
        }
    }
}

/// Checks that the database has this program's schema.
///
/// # Errors
///
/// [`RunError::SchemaBehind`] or [`RunError::SchemaDifferent`].
pub(crate) fn check(schema: Schema) -> Result<(), RunError> {
    match schema {
        Schema::Ready => Ok(()),
        Schema::Behind { missing } => Err(RunError::SchemaBehind { missing }),
        Schema::Different { version } => Err(RunError::SchemaDifferent(version)),
    }
}

async fn prepare_once(context: &Context) -> Result<(), RunError> {
    let mut connection = context.db.get().await?;
    check(Schema::of(&connection).await?)?;
    keys::check_master_keys(&connection, &context.config.master_keys, FirstUse::Store).await?;
    let transaction = connection.begin().await?;
    keys::ensure(&transaction, context.keys.sealer()).await?;
    transaction.commit().await?;
    drop(connection);
    // Before the first token is minted (for which the keys are needed): revocations must know how long a
    // token can live.
    context.keys.declare_life(&context.db, context.config.tokens.access_life).await?;
    context.keys.load(&context.db).await?;
    // Before the first sign-in fails.
    password_schemes::adapt(context).await?;
    Ok(())
}
