//! Reloads the keys after changes, and declares this process's token life.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::config::DatabaseConfig;
use crate::db::{Db, DbError, Dedicated, within};

use super::{Keys, LoadError, store};

/// The longest time between two reloads without a notification: a retired key leaves the JWKS with time
/// alone.
const REREAD: Duration = Duration::from_secs(5);

/// How often this process declares its token life.
const DECLARE: Duration = Duration::from_secs(60);

/// The limit on each reload and each declaration.
const LIMIT: Duration = Duration::from_secs(5);

/// The pause before connecting again.
const PAUSE: Duration = Duration::from_secs(1);

impl Keys {
    /// Declares that this process mints tokens with the life `life`; required before it mints the first.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unavailable.
    pub async fn declare_life(&self, db: &Db, life: Duration) -> Result<(), DbError> {
        // The configuration limits it to an hour.
        let seconds = i32::try_from(life.as_secs()).unwrap_or(i32::MAX);
        store::declare_life(&*db.get().await?, seconds).await
    }

    /// Reloads the keys after every change, and periodically; never ends.
    pub async fn keep_fresh(&self, config: &DatabaseConfig, db: &Db, life: Duration) {
        let mut declared = Instant::now();
        loop {
            match within(LIMIT, Dedicated::connect(config, "usher keys", "", Some(store::CHANNEL))).await {
                Ok(listener) => self.follow(&listener, db, life, &mut declared).await,
                Err(error) => tracing::warn!(%error, "Cannot listen for signing-key changes; reconnecting."),
            }
            sleep(PAUSE).await;
        }
    }

    /// Runs until the connection is lost.
    async fn follow(&self, listener: &Dedicated, db: &Db, life: Duration, declared: &mut Instant) {
        while !listener.client().is_closed() {
            match within(LIMIT, self.load(db)).await {
                Ok(()) => {}
                Err(LoadError::Database(error)) => {
                    tracing::warn!(%error, "Cannot reload the signing keys; the loaded ones stay in use.");
                }
                Err(LoadError::Ring(error)) => {
                    tracing::error!(%error, "No usable signing key; no tokens are minted until there is one.");
                }
            }
            if declared.elapsed() >= DECLARE && within(LIMIT, self.declare_life(db, life)).await.is_ok() {
                *declared = Instant::now();
            }
            let _heard_or_time = timeout(REREAD, listener.notified()).await;
        }
    }
}
