//! The issuer's public keys: the set of today, and the task that keeps it so.

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

pub use killed::{Damaged, KillList};
pub use source::{Location, Source, SourceError};

use crate::metrics::Metrics;
use crate::ready::Ready;

/// However many unknown keys are named, the issuer is asked no oftener.
const LEAST_PAUSE: Duration = Duration::from_secs(5);
/// Without any keys nothing can be decided, so it is worth asking oftener.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_millis(500);
/// Reading a file costs nothing, so that a change is seen soon.
const PAUSE_FOR_FILES: Duration = Duration::from_secs(1);

/// The keys of today.
#[derive(Default)]
pub struct Keys {
    ring: ArcSwap<Ring>,
    unknown: Notify,
}

/// A set of keys, and which one it is: tokens verified with another are verified again.
#[derive(Default)]
pub struct Ring {
    /// The keys.
    pub set: KeySet,
    /// Grows whenever the set changes.
    pub generation: u64,
}

/// Keeps the keys of today in [`Keys`].
pub struct Refresher {
    /// Where they come from.
    pub source: Source,
    /// Where a copy is kept for a start while the issuer is away.
    pub copy: Option<PathBuf>,
    /// How often they are fetched.
    pub every: Duration,
    /// Where they go.
    pub keys: Arc<Keys>,
    /// Who is told when there are some.
    pub ready: Arc<Ready>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The time, for the metric.
    pub clock: Arc<dyn Clock>,
    /// The document of today.
    pub document: Vec<u8>,
}

impl Keys {
    /// The keys of today, for one decision.
    pub fn current(&self) -> Guard<Arc<Ring>> {
        self.ring.load()
    }

    /// A token named a key that is not there; perhaps the issuer has a new one.
    pub fn ask_for_more(&self) {
        self.unknown.notify_one();
    }

    /// Replaces the set. Only one task may.
    pub fn install(&self, set: KeySet) {
        let generation = self.ring.load().generation + 1;
        self.ring.store(Arc::new(Ring { set, generation }));
    }
}

impl Refresher {
    /// Fetches now, then for ever: at its interval, and sooner for a key that is not known.
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
        // An interval that ends without a question ends all the same.
        let most = if fetched { self.every } else { least };
        let _asked = timeout(most, self.keys.unknown.notified()).await;
        sleep_until(soonest).await;
    }

    /// Whether the source gave a usable set. A set that cannot be had or used leaves the old one.
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
                tracing::warn!(source = %self.source, error, "The issuer's keys could not be fetched; the old ones stay.");
                false
            }
        }
    }

    fn install(&mut self, document: Vec<u8>, fresh: bool) -> Result<(), JwksError> {
        if document == self.document {
            return Ok(());
        }
        let set = KeySet::parse(&document)?;
        tracing::info!(kids = ?set.kids(), fresh, "The issuer's keys were read.");
        self.keys.install(set);
        self.ready.keys_are_known();
        self.document = document;
        if fresh {
            self.keep_copy();
        }
        Ok(())
    }

    fn keep_copy(&self) {
        let Some(copy) = &self.copy else { return };
        if let Err(error) = source::write_whole(copy, &self.document) {
            tracing::warn!(copy = %copy.display(), %error, "The copy of the issuer's keys could not be written.");
        }
    }

    /// Killed keys that an old copy may hold are refused by the kill list.
    fn fall_back(&mut self) {
        let Some(copy) = self.copy.clone() else { return };
        let read = std::fs::read(&copy).map_err(|error| error.to_string());
        let used = read.and_then(|document| self.install(document, false).map_err(|error| error.to_string()));
        match used {
            Ok(()) => tracing::warn!("The issuer is away; its keys are those of the copy on disk."),
            Err(error) => {
                tracing::warn!(copy = %copy.display(), error, "There is no usable copy of the issuer's keys.");
            }
        }
    }
}
