//! Keeping the copy of the keys fresh, and this process's token life declared.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::config::DatabaseConfig;
use crate::db::{Db, Dedicated};

use super::{Keys, store};

/// Notified by every change of the table.
const CHANNEL: &str = "usher_signing_keys";

/// How old the copy may get when no notification comes: a retired key leaves the JWKS by time alone.
const REREAD: Duration = Duration::from_secs(5);

/// How often this process says how long its tokens live.
const DECLARE: Duration = Duration::from_secs(60);

/// How long to wait before connecting again.
const PAUSE: Duration = Duration::from_secs(1);

impl Keys {
    /// Says that this process mints tokens that live for `life`; must be done before it mints the first.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is away.
    pub async fn declare_life(&self, db: &Db, life: Duration) -> Result<(), crate::db::DbError> {
        // The configuration bounds it by an hour.
        let seconds = i32::try_from(life.as_secs()).unwrap_or(i32::MAX);
        store::declare_life(&*db.get().await?, seconds).await
    }

    /// Reads the keys again whenever they change, and every few seconds; never ends.
    pub async fn keep_fresh(&self, config: &DatabaseConfig, db: &Db, life: Duration) {
        let mut declared = Instant::now();
        loop {
            match Dedicated::connect(config, "usher keys", "", CHANNEL).await {
                Ok(ears) => self.follow(&ears, db, life, &mut declared).await,
                Err(error) => tracing::warn!(%error, "The signing keys cannot be watched; trying again."),
            }
            sleep(PAUSE).await;
        }
    }

    /// Until the connection is lost.
    async fn follow(&self, ears: &Dedicated, db: &Db, life: Duration, declared: &mut Instant) {
        while !ears.client().is_closed() {
            if let Err(error) = self.load(db).await {
                tracing::warn!(%error, "The signing keys could not be read again; the known ones stay in use.");
            }
            if declared.elapsed() >= DECLARE && self.declare_life(db, life).await.is_ok() {
                *declared = Instant::now();
            }
            let _heard_or_time = timeout(REREAD, ears.heard()).await;
        }
    }
}
