//! The issuer's public keys: the current set, and the task that keeps it up to date.

mod killed;
mod source;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use shared::clock::Clock;
use shared::token::{JwksError, KeySet};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};

pub use killed::{KillList, KillListError};
pub use source::{KeyLocation, KeySource, KeySourceError};

use crate::metrics::Metrics;
use crate::ready::Ready;

/// The shortest time between two fetches, however many unknown keys are named.
const LEAST_PAUSE: Duration = Duration::from_secs(5);
/// The same while there are no keys, when the sidecar cannot decide.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_millis(500);
/// The same for a file, which is cheap to read.
const PAUSE_FOR_FILES: Duration = Duration::from_secs(1);

/// The current keys, read without a lock.
#[derive(Default)]
pub struct IssuerKeys {
    current: ArcSwap<KeyGeneration>,
    unknown: Notify,
}

/// A set of keys, and its number: a token that was verified with another set is verified again.
#[derive(Default)]
pub struct KeyGeneration {
    /// The keys.
    pub set: KeySet,
    /// Grows whenever the set changes.
    pub generation: u64,
}

/// Keeps [`IssuerKeys`] up to date.
pub struct KeyRefresher {
    /// The source of the keys.
    pub source: KeySource,
    /// The copy of the keys, used for a start while the issuer is unavailable.
    pub copy: Option<PathBuf>,
    /// How often the keys are fetched.
    pub every: Duration,
    /// The holder of the current keys.
    pub keys: Arc<IssuerKeys>,
    /// Is notified when there are keys.
    pub ready: Arc<Ready>,
    /// Counts failed fetches.
    pub metrics: Arc<Metrics>,
    /// The time, for the metric.
    pub clock: Arc<dyn Clock>,
    /// The current document.
    pub document: Vec<u8>,
}

impl IssuerKeys {
    /// The current keys, for one decision.
    pub fn current(&self) -> Guard<Arc<KeyGeneration>> {
        self.current.load()
    }

    /// A token named an unknown key; perhaps the issuer has a new one.
    pub fn request_refresh(&self) {
        self.unknown.notify_one();
    }

    /// Replaces the set. Only one task may.
    pub fn install(&self, set: KeySet) {
        let generation = self.current.load().generation + 1;
        self.current.store(Arc::new(KeyGeneration { set, generation }));
    }
}

impl KeyRefresher {
    /// Fetches at once and then for ever: at the interval, and earlier when a token names an unknown key.
    pub async fn run(mut self) {
        let mut fetched = self.refresh().await;
        if !fetched {
            self.fall_back();
        }
        loop {
            self.pause(fetched).await;
            fetched = self.refresh().await;
        }
    }

    async fn pause(&self, fetched: bool) {
        if self.keys.current().generation == 0 {
            return sleep(PAUSE_WITHOUT_KEYS).await;
        }
        if self.source.is_file() {
            return sleep(PAUSE_FOR_FILES.min(self.every)).await;
        }
        let least = LEAST_PAUSE.min(self.every);
        let soonest = Instant::now() + least;
        let most = if fetched { self.every } else { least };
        // It makes no difference whether the fetch was requested or is due.
        let _requested = timeout(most, self.keys.unknown.notified()).await;
        sleep_until(soonest).await;
    }

    /// Whether the source returned a usable set. If not, the old one stays.
    async fn refresh(&mut self) -> bool {
        let installed = match self.source.fetch().await {
            Ok(document) => self.install(document, true).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match installed {
            Ok(()) => {
                self.metrics.keys_fetched.set(self.clock.unix_seconds() as i64);
                true
            }
            Err(error) => {
                self.metrics.keys_failed.inc();
                tracing::warn!(source = %self.source, error, "Cannot fetch the issuer's keys; keeping the current ones.");
                false
            }
        }
    }

    fn install(&mut self, document: Vec<u8>, fresh: bool) -> Result<(), JwksError> {
        if document == self.document {
            return Ok(());
        }
        let set = KeySet::parse(&document)?;
        tracing::info!(kids = ?set.kids(), fresh, "The issuer's keys have been read.");
        self.keys.install(set);
        self.ready.mark_keys_known();
        self.document = document;
        if fresh {
            self.keep_copy();
        }
        Ok(())
    }

    fn keep_copy(&self) {
        let Some(copy) = &self.copy else { return };
        if let Err(error) = source::write_whole(copy, &self.document) {
            tracing::warn!(copy = %copy.display(), %error, "Cannot write the copy of the issuer's keys.");
        }
    }

    /// Keys that were killed may still be in an old copy; the kill list refuses them.
    fn fall_back(&mut self) {
        let Some(copy) = self.copy.clone() else { return };
        let read = std::fs::read(&copy).map_err(|error| error.to_string());
        let used = read.and_then(|document| self.install(document, false).map_err(|error| error.to_string()));
        match used {
            Ok(()) => tracing::warn!("Issuer unreachable; using the cached keys from disk."),
            Err(error) => {
                tracing::warn!(copy = %copy.display(), error, "Issuer unreachable, and there is no usable copy of its keys.");
            }
        }
    }
}
