//! Creates, runs and stops the parts of the sidecar. The only file that knows all of them.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use runtime::listen::{Address, Listener, Stream};
use runtime::ops::OpsThread;
use runtime::telemetry::Levels;
use shared::clock::Clock;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use crate::config::Config;
use crate::decide::Decider;
use crate::feed::Feed;
use crate::freshness::SidecarState;
use crate::keys::{KeyRefresher, KeySource, KillList, KillListError};
use crate::knowledge::Knowledge;
use crate::metrics::Metrics;
use crate::policy_cache::PolicyCache;
use crate::routes::{DecisionHandler, SidecarOperations};
use crate::server::{StopSignal, Workers};
use crate::token_cache::TokenCache;

/// The delay before a feed that panicked is started again.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(1);

/// How often the state is compared with the last one.
const LOOK_AT_STATE: Duration = Duration::from_millis(50);

/// How long a starting sidecar delays its answers instead of answering each that it cannot decide: shorter than nginx waits
/// for an answer (`nginx/snippets/introspect.conf`). While one sidecar replaces another, the old one is already
/// stopping, so that both would refuse.
const OPENING: Duration = Duration::from_millis(400);

/// A sidecar that listens, but does not answer yet.
pub struct App {
    listeners: Vec<Listener>,
    handlers: Vec<DecisionHandler>,
    operations: SidecarOperations,
    /// Health and metrics have a thread of their own, so that operators delay neither the feed nor a decision.
    ops_thread: OpsThread,
    refresher: KeyRefresher,
    feed: Box<dyn Fn() -> Result<Feed, KillListError> + Send + Sync>,
    drain: Duration,
}

/// Why the sidecar did not end normally.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No thread could be started.
    #[error("cannot start a worker thread: {0}")]
    Workers(#[from] io::Error),
    /// A task that must never end has ended.
    #[error("a background task of the sidecar ended ({0}); see the panic above, and restart the sidecar")]
    Ended(String),
    /// Connections did not end in time.
    #[error("connections were still open after {0:?} and were closed; raise INTROSPECT_DRAIN")]
    Cut(Duration),
}

impl App {
    /// Binds the addresses and creates the parts. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// With a sentence that says what to do.
    pub async fn build(
        config: Config,
        clock: Arc<dyn Clock>,
        levels: Levels,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        if config.revocation_keys.is_none() {
            tracing::warn!(
                "INTROSPECT_REVOCATION_KEYS is not set: a client that can write to Redis could make revocations disappear. Set \
                 it to what `admin keys sidecar` prints."
            );
        }
        let metrics = Arc::new(Metrics::new(config.workers));
        let known = Arc::new(Knowledge::new(config.verifier.leeway));
        let feed = {
            let (redis, copy, signing) = (config.redis, config.jwks_copy.clone(), config.revocation_keys);
            let parts = (Arc::clone(&known), Arc::clone(&metrics), Arc::clone(&clock));
            move || {
                let (known, metrics, clock) = parts.clone();
                let killed = KillList::open(copy.as_deref())?;
                Ok(Feed::new(redis.clone(), signing.clone(), killed, known, metrics, clock))
            }
        };
        // Created here only to report an error before the start.
        feed()?;
        let refresher = KeyRefresher {
            source: KeySource::new(config.jwks)?,
            copy: config.jwks_copy,
            accepted: config.verifier.profile.algorithms().to_vec(),
            every: config.jwks_refresh,
            known: Arc::clone(&known),
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(&clock),
            document: Vec::new(),
        };
        let decider = Arc::new(Decider {
            verifier: config.verifier,
            audience: config.audience,
            cookie: config.cookie,
            clock,
            known: Arc::clone(&known),
            tokens: TokenCache::new(config.cache),
            policies: PolicyCache::default(),
        });
        let is_traced = config.traces.are_enabled();
        let operations = SidecarOperations { known, metrics: Arc::clone(&metrics), levels };
        Ok(Self {
            listeners: Listener::bind_all(&config.listen).await?,
            handlers: DecisionHandler::of_workers(&decider, is_traced, &metrics.tallies),
            ops_thread: OpsThread::start(&config.ops_listen, operations.clone()).await?,
            operations,
            refresher,
            feed: Box::new(feed),
            drain: config.drain,
        })
    }

    /// The decision listeners, with their real ports.
    pub fn addresses(&self) -> Vec<Address> {
        self.listeners.iter().map(|listener| listener.address().clone()).collect()
    }

    /// The listeners of health and metrics, with their real ports.
    pub fn ops_addresses(&self) -> Vec<Address> {
        self.ops_thread.addresses().to_vec()
    }

    /// Answers requests until `shutdown` completes, then waits for the connections to end.
    ///
    /// # Errors
    ///
    /// When no worker can be started, a background task panics, or connections outlast the drain.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let (stop, stopped) = watch::channel(false);
        let SidecarOperations { known, metrics, .. } = self.operations;
        let workers = Arc::new(Workers::start(self.handlers, &stopped, &metrics)?);
        let mut background = JoinSet::new();
        background.spawn(self.refresher.run());
        background.spawn(keep_feeding(Arc::clone(&known), self.feed));
        background.spawn(watch_state(Arc::clone(&known)));
        let mut accepting = JoinSet::new();
        for listener in self.listeners {
            accepting.spawn(accept(listener, Arc::clone(&workers), Arc::clone(&known), stopped.clone()));
        }

        // Without one of these tasks the sidecar would continue with old keys or without revocations, so it
        // stops.
        tokio::select! {
            () = shutdown => {}
            Some(ended) = background.join_next() => return Err(RunError::of(ended)),
            Some(ended) = accepting.join_next() => return Err(RunError::of(ended)),
        }
        tracing::info!("Stopping: no new connections are accepted; requests in progress may finish.");
        known.mark_draining();
        stop.send_replace(true);
        drain(accepting, workers, self.drain).await
    }
}

impl RunError {
    fn of(ended: Result<(), JoinError>) -> Self {
        Self::Ended(ended.err().map_or_else(|| "without an error".to_owned(), |error| error.to_string()))
    }
}

/// Runs the feed. A feed that panicked may have skipped a record, so the sidecar decides nothing until another feed has
/// read the whole log. Records that were read stay.
async fn keep_feeding(known: Arc<Knowledge>, feed: impl Fn() -> Result<Feed, KillListError>) {
    loop {
        match feed() {
            Ok(feed) => {
                let _panicked = tokio::spawn(feed.run()).await;
                tracing::error!("The revocation feed panicked; reading the whole log again.");
            }
            Err(error) => tracing::error!(%error, "Cannot restart the revocation feed; retrying."),
        }
        known.freshness.forget();
        tokio::time::sleep(PAUSE_AFTER_PANIC).await;
    }
}

/// Logs each change of the state. A task of its own, because the feed may be waiting for Redis meanwhile.
async fn watch_state(known: Arc<Knowledge>) {
    let mut last = SidecarState::Cold;
    loop {
        tokio::time::sleep(LOOK_AT_STATE).await;
        let state = known.state();
        if state == last {
            continue;
        }
        let (from, to) = (last.label(), state.label());
        match state {
            SidecarState::Fresh => tracing::info!(from, to, "The revocations are up to date."),
            SidecarState::Draining => tracing::info!(from, to, "The sidecar is stopping."),
            SidecarState::Cold | SidecarState::Syncing | SidecarState::Stale | SidecarState::Uncertified => {
                tracing::warn!(
                    from,
                    to,
                    "The revocations are not known to be up to date. Each policy says which requests are still allowed."
                );
            }
        }
        last = state;
    }
}

/// Passes connections to the workers until the sidecar stops: from the moment when decisions can be made, or the time
/// limit for waiting has passed.
async fn accept(listener: Listener, workers: Arc<Workers>, known: Arc<Knowledge>, mut stop: StopSignal) {
    let accepting = async {
        let _opened = timeout(OPENING, known.complete()).await;
        let pass_on = |stream: Stream| match stream.detach() {
            Ok(stream) => workers.hand(stream),
            Err(error) => tracing::debug!(%error, "Failed to move a connection to its worker."),
        };
        listener.accept_all(pass_on).await;
    };
    tokio::select! {
        () = accepting => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Waits for the accept loops, then for the workers, at most for `limit`.
async fn drain(mut accepting: JoinSet<()>, workers: Arc<Workers>, limit: Duration) -> Result<(), RunError> {
    let ended = async {
        // The panic of a worker has already been reported by the panic itself.
        while accepting.join_next().await.is_some() {}
        let Some(workers) = Arc::into_inner(workers) else { return };
        let _joined = tokio::task::spawn_blocking(|| workers.join()).await;
    };
    timeout(limit, ended).await.map_err(|_| RunError::Cut(limit))
}
