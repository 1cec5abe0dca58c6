//! Creates, runs and stops the parts of the sidecar. The only file that knows all of them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use runtime::listen::{Address, ListenError, Listener, Stream};
use runtime::redis::Redis;
use runtime::telemetry::Levels;
use shared::clock::Clock;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use crate::config::Config;
use crate::decide::Decider;
use crate::feed::{Feed, FeedHandles};
use crate::keys::{IssuerKeys, KeyRefresher, KeySource, KeySourceError, KillList, KillListError};
use crate::metrics::Metrics;
use crate::policy_cache::PolicyCache;
use crate::ready::{Ready, Revocations};
use crate::revoked::Revoked;
use crate::rights::CurrentRoleMap;
use crate::routes::{DecisionHandler, OpsHandler};
use crate::server::{self, Stop, Workers};
use crate::token_cache::TokenCache;

/// The delay before a feed that panicked is started again.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(1);

/// How long a starting sidecar delays its answers instead of answering each with 503: shorter than nginx waits
/// for an answer (`nginx/snippets/introspect.conf`). While one sidecar replaces another, the old one is already
/// stopping, so that both would refuse.
const OPENING: Duration = Duration::from_millis(400);

/// The most simultaneous connections to health and metrics: monitoring needs a handful, and they must not use
/// up the file descriptors that nginx needs.
const MAX_OPS_CONNECTIONS: usize = 64;

/// A sidecar that listens, but does not answer yet.
pub struct App {
    listeners: Vec<Listener>,
    ops_listeners: Vec<Listener>,
    handlers: Vec<DecisionHandler>,
    ops: OpsHandler,
    refresher: KeyRefresher,
    feeder: Feeder,
    drain: Duration,
}

/// Why the sidecar cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// An address cannot be used.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The client for the issuer's keys cannot be created.
    #[error("INTROSPECT_JWKS: cannot create the HTTP client: {0}")]
    Jwks(#[from] KeySourceError),
    /// The list of killed keys cannot be read.
    #[error(transparent)]
    Killed(#[from] KillListError),
}

/// Why the sidecar did not end normally.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No thread could be started.
    #[error("cannot start a worker thread: {0}")]
    Workers(#[from] io::Error),
    /// A task that must run for ever ended.
    #[error("a background task of the sidecar ended ({0}); see the panic above, and restart the sidecar")]
    Ended(String),
    /// Connections did not end in time.
    #[error("connections were still open after {0:?} and were closed; raise INTROSPECT_DRAIN")]
    Cut(Duration),
}

/// Runs the feed, and starts it again after a panic.
struct Feeder {
    redis: Redis,
    copy: Option<std::path::PathBuf>,
    handles: FeedHandles,
}

impl App {
    /// Binds the addresses and creates the parts. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// With a sentence that says what to do.
    pub async fn build(config: Config, clock: Arc<dyn Clock>) -> Result<Self, BuildError> {
        let metrics = Arc::new(Metrics::new(config.workers));
        let keys = Arc::new(IssuerKeys::default());
        let revoked = Arc::new(Revoked::new(config.verifier.leeway));
        let roles = Arc::new(CurrentRoleMap::default());
        let ready = Arc::new(Ready::new(Arc::clone(&roles)));
        let handles = FeedHandles {
            revoked: Arc::clone(&revoked),
            roles: Arc::clone(&roles),
            ready: Arc::clone(&ready),
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(&clock),
        };
        let feeder = Feeder { redis: config.redis, copy: config.jwks_copy.clone(), handles };
        // Created here only to report an error before the start.
        feeder.feed()?;
        let refresher = KeyRefresher {
            source: KeySource::new(config.jwks)?,
            copy: config.jwks_copy,
            every: config.jwks_refresh,
            keys: Arc::clone(&keys),
            ready: Arc::clone(&ready),
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(&clock),
            document: Vec::new(),
        };
        let decider = Arc::new(Decider {
            verifier: config.verifier,
            audience: config.audience,
            cookie: config.cookie,
            clock,
            ready: Arc::clone(&ready),
            keys,
            revoked,
            roles,
            tokens: TokenCache::new(config.cached_tokens),
            policies: PolicyCache::default(),
        });
        Ok(Self {
            listeners: Listener::bind_all(&config.listen).await?,
            ops_listeners: Listener::bind_all(&config.ops_listen).await?,
            handlers: DecisionHandler::of_workers(
                &decider,
                config.challenges,
                config.traces.are_enabled(),
                metrics.tallies(),
            ),
            ops: OpsHandler { ready, metrics, levels: Levels::default(), is_local: false },
            refresher,
            feeder,
            drain: config.drain,
        })
    }

    /// Lets operators change which lines are logged.
    #[must_use]
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.ops.levels = levels;
        self
    }

    /// The decision listeners, with their real ports.
    pub fn addresses(&self) -> Vec<Address> {
        self.listeners.iter().map(|listener| listener.address().clone()).collect()
    }

    /// The listeners of health and metrics, with their real ports.
    pub fn ops_addresses(&self) -> Vec<Address> {
        self.ops_listeners.iter().map(|listener| listener.address().clone()).collect()
    }

    /// Answers requests until `shutdown` completes, then waits for the connections to end.
    ///
    /// # Errors
    ///
    /// When no worker can be started, a background task panics, or connections outlast the drain.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let (stop, stopped) = watch::channel(false);
        // Never true: health and metrics are answered until the process ends.
        let (_never, forever) = watch::channel(false);
        let OpsHandler { ready, metrics, .. } = self.ops.clone();
        let workers = Arc::new(Workers::start(self.handlers, &stopped, &metrics)?);

        let mut background = JoinSet::new();
        background.spawn(self.refresher.run());
        background.spawn(self.feeder.run());
        for listener in self.ops_listeners {
            background.spawn(operate(listener, self.ops.clone(), forever.clone()));
        }
        let mut accepting = JoinSet::new();
        for listener in self.listeners {
            let (stop, workers, ready) = (stopped.clone(), Arc::clone(&workers), Arc::clone(&ready));
            accepting.spawn(async move {
                opening(&ready, stop.clone()).await;
                let hand = |stream: Stream| match stream.detach() {
                    Ok(stream) => workers.hand(stream),
                    Err(error) => tracing::debug!(%error, "Failed to move a connection to its worker."),
                };
                server::accept(listener, stop, hand).await;
            });
        }

        // Without one of these tasks the sidecar would continue with old keys or without revocations, so it
        // stops.
        tokio::select! {
            () = shutdown => {}
            Some(ended) = background.join_next() => return Err(RunError::of(ended)),
            Some(ended) = accepting.join_next() => return Err(RunError::of(ended)),
        }
        tracing::info!("Stopping: no new connections are accepted; open connections are finished.");
        ready.mark_draining();
        stop.send_replace(true);
        drain(accepting, workers, self.drain).await
    }
}

impl RunError {
    fn of(ended: Result<(), JoinError>) -> Self {
        Self::Ended(ended.err().map_or_else(|| "without an error".to_owned(), |error| error.to_string()))
    }
}

impl Feeder {
    fn feed(&self) -> Result<Feed, BuildError> {
        let killed = KillList::open(self.copy.as_deref())?;
        Ok(Feed::new(self.redis.clone(), killed, self.handles.clone()))
    }

    /// A feed that panicked may have skipped a record, so the sidecar decides nothing until another feed has
    /// read the whole log. Records that were read stay.
    async fn run(self) {
        loop {
            match self.feed() {
                Ok(feed) => {
                    let _panicked = tokio::spawn(feed.run()).await;
                    tracing::error!("The revocation feed panicked; reading the whole log again.");
                }
                Err(error) => tracing::error!(%error, "Cannot restart the revocation feed; retrying."),
            }
            self.handles.ready.mark_revocations(Revocations::Unread);
            tokio::time::sleep(PAUSE_AFTER_PANIC).await;
        }
    }
}

/// Completes when decisions can be made, or the time limit for waiting has passed.
async fn opening(ready: &Ready, mut stop: Stop) {
    tokio::select! {
        () = ready.complete() => {}
        () = tokio::time::sleep(OPENING) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn operate(listener: Listener, ops: OpsHandler, stop: Stop) {
    let permits = Arc::new(Semaphore::new(MAX_OPS_CONNECTIONS));
    let serve = |stream: Stream| {
        // Above the limit a connection is closed at once.
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else { return };
        let ops = OpsHandler { is_local: stream.is_local(), ..ops.clone() };
        let served = server::serve(stream, ops, stop.clone());
        tokio::spawn(async move {
            served.await;
            drop(permit);
        });
    };
    server::accept(listener, stop.clone(), serve).await;
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
