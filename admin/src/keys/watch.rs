//! Keeping the copy of the keys fresh, and this process's token life declared.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::config::DatabaseConfig;
use crate::db::{Db, DbError, Dedicated, within};

use super::{Keys, LoadError, store};

/// How old the copy may get when no notification comes: a retired key leaves the JWKS by time alone.
const REREAD: Duration = Duration::from_secs(5);

/// How often this process says how long its tokens live.
const DECLARE: Duration = Duration::from_secs(60);

/// How long each of these may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_secs(1);

impl Keys {
    /// Says that this process mints tokens that live for `life`; must be done before it mints the first.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unavailable.
    pub async fn declare_life(&self, db: &Db, life: Duration) -> Result<(), DbError> {
        // The configuration bounds it by an hour.
        let seconds = i32::try_from(life.as_secs()).unwrap_or(i32::MAX);
        store::declare_life(&*db.get().await?, seconds).await
    }

    /// Reads the keys again whenever they change, and every few seconds; never ends.
    pub async fn keep_fresh(&self, config: &DatabaseConfig, db: &Db, life: Duration) {
        let mut declared = Instant::now();
        loop {
            match within(LIMIT, Dedicated::connect(config, "usher keys", "", store::CHANNEL)).await {
                Ok(ears) => self.follow(&ears, db, life, &mut declared).await,
                Err(error) => tracing::warn!(%error, "The signing keys cannot be watched; trying again."),
            }
            sleep(PAUSE).await;
        }
    }

    /// Until the connection is lost.
    async fn follow(&self, ears: &Dedicated, db: &Db, life: Duration, declared: &mut Instant) {
        while !ears.client().is_closed() {
            match within(LIMIT, self.load(db)).await {
                Ok(()) => {}
                Err(LoadError::Database(error)) => {
                    tracing::warn!(%error, "The signing keys could not be read again; the known ones stay in use.");
                }
                Err(LoadError::Ring(error)) => {
                    tracing::error!(%error, "No signing key can be used; no token is minted until one can.");
                }
            }
            if declared.elapsed() >= DECLARE && within(LIMIT, self.declare_life(db, life)).await.is_ok() {
                *declared = Instant::now();
            }
            let _heard_or_time = timeout(REREAD, ears.heard()).await;
        }
    }
}
