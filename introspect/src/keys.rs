//! The task that keeps the issuer's public keys up to date.

mod killed;
mod source;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use runtime::file;
use shared::clock::Clock;
use shared::token::{Algorithm, JwksError, KeySet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

pub use killed::{KillList, KillListError};
pub use source::{KeyLocation, KeySource, KeySourceError};

use crate::knowledge::Knowledge;
use crate::metrics::Metrics;

/// The shortest time between two fetches, however many unknown keys are named.
const LEAST_PAUSE: Duration = Duration::from_secs(5);
/// The same while there are no keys, when the sidecar cannot decide.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_millis(500);
/// The same for a file, which is cheap to read.
const PAUSE_FOR_FILES: Duration = Duration::from_secs(1);

/// Keeps the keys up to date.
pub struct KeyRefresher {
    /// The source of the keys.
    pub source: KeySource,
    /// The copy of the keys, used for a start while the issuer is unavailable.
    pub copy: Option<PathBuf>,
    /// The algorithms of the keys that can verify a token here.
    pub accepted: Vec<Algorithm>,
    /// How often the keys are fetched.
    pub every: Duration,
    /// The holder of the current keys.
    pub known: Arc<Knowledge>,
    /// Counts failed fetches.
    pub metrics: Arc<Metrics>,
    /// The time, for the metric.
    pub clock: Arc<dyn Clock>,
    /// The current document.
    pub document: Vec<u8>,
}

impl KeyRefresher {
    /// Fetches at once and then repeatedly: at the interval, and earlier when a token names an unknown key.
    pub async fn run(mut self) {
        let mut fetched = self.refresh().await;
        if !fetched {
            self.fall_back().await;
        }
        loop {
            self.pause(fetched).await;
            fetched = self.refresh().await;
        }
    }

    async fn pause(&self, fetched: bool) {
        if !self.known.keys.current().are_known() {
            return sleep(PAUSE_WITHOUT_KEYS).await;
        }
        if self.source.is_file() {
            return sleep(PAUSE_FOR_FILES.min(self.every)).await;
        }
        let least = LEAST_PAUSE.min(self.every);
        let soonest = Instant::now() + least;
        let most = if fetched { self.every } else { least };
        // It makes no difference whether the fetch was requested or is due.
        let _requested = timeout(most, self.known.keys.refresh_requested()).await;
        sleep_until(soonest).await;
    }

    /// Whether the source returned a usable set. If not, the old one stays.
    async fn refresh(&mut self) -> bool {
        let document = self.source.fetch().await;
        match document.and_then(|document| Ok(self.install(document)?)) {
            Ok(is_new) => {
                self.metrics.keys_fetched.set(self.clock.unix_seconds() as i64);
                if is_new {
                    self.keep_copy().await;
                }
                true
            }
            Err(error) => {
                self.metrics.keys_failed.inc();
                tracing::warn!(source = %self.source, %error, "Cannot fetch the issuer's keys; keeping the current ones.");
                false
            }
        }
    }

    /// Uses a document from now on. Returns whether it differs from the one in use.
    fn install(&mut self, document: Vec<u8>) -> Result<bool, JwksError> {
        if document == self.document {
            return Ok(false);
        }
        let parsed = KeySet::parse(&document, &self.accepted);
        let refused = parsed.as_ref().map_or_else(JwksError::refused, KeySet::refused);
        self.metrics.keys_refused.inc_by(refused.len() as u64);
        let set = parsed?;
        for key in set.refused() {
            tracing::warn!(source = %self.source, %key, "The key set has an invalid key.");
        }
        tracing::info!(kids = ?set.kids(), "The issuer's keys have been read.");
        self.known.install_keys(set);
        self.document = document;
        Ok(true)
    }

    /// A disk that hangs keeps only this task waiting.
    async fn keep_copy(&self) {
        let Some(copy) = self.copy.clone() else { return };
        let document = self.document.clone();
        let written = tokio::task::spawn_blocking(move || file::write_whole(&copy, &document)).await;
        if let Err(error) = written.map_err(io::Error::other).flatten() {
            tracing::warn!(%error, "Cannot write the copy of the issuer's keys (INTROSPECT_JWKS_COPY).");
        }
    }

    /// Keys that were killed may still be in an old copy; the kill list refuses them.
    async fn fall_back(&mut self) {
        let Some(copy) = self.copy.clone() else { return };
        let document = KeySource::File(copy).fetch().await;
        match document.and_then(|document| Ok(self.install(document)?)) {
            Ok(_) => tracing::warn!("Issuer unreachable; using the cached keys from disk."),
            Err(error) => {
                tracing::warn!(%error, "Issuer unreachable, and there is no usable copy of its keys (INTROSPECT_JWKS_COPY).");
            }
        }
    }
}
