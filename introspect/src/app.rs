//! The parts put together, run, and stopped. The only file that knows all of them.

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
use crate::feed::{self, Feed};
use crate::keys::{Damaged, Keys, KillList, Refresher, Source, SourceError};
use crate::metrics::Metrics;
use crate::policy::Policies;
use crate::ready::{Ready, Revocations};
use crate::remembered::Remembered;
use crate::revoked::Revoked;
use crate::rights::Roles;
use crate::routes::{Decisions, Operations};
use crate::server::{self, Stop, Workers};

/// After a task that must never end has ended.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(1);

/// How long connections wait for what is missing, where each would be answered 503: less than nginx waits for an answer
/// (`nginx/snippets/introspect.conf`). A sidecar that another one was ended for is asked while the other is ending, and
/// both would have refused.
const OPENING: Duration = Duration::from_millis(400);

/// Connections of operators at once: monitoring has a handful, and none may cost nginx its descriptors.
const MOST_OPERATORS: usize = 64;

/// A sidecar that listens and does not answer yet.
pub struct App {
    listeners: Vec<Listener>,
    ops_listeners: Vec<Listener>,
    handlers: Vec<Decisions>,
    operations: Operations,
    refresher: Refresher,
    feeder: Feeder,
    drain: Duration,
}

/// Why the sidecar cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// An address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The client for the issuer's keys.
    #[error("INTROSPECT_JWKS: the client cannot be made: {0}")]
    Jwks(#[from] SourceError),
    /// The list of killed keys.
    #[error(transparent)]
    Killed(#[from] Damaged),
}

/// Why the sidecar did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No thread could be had.
    #[error("a worker cannot be started: {0}")]
    Workers(#[from] io::Error),
    /// What must go on for ever did not.
    #[error("a part of the sidecar has ended ({0}); see the panic above, and start it again")]
    Ended(String),
    /// Connections were cut.
    #[error("connections were still open after {0:?} and have been cut; raise INTROSPECT_DRAIN")]
    Cut(Duration),
}

/// Makes a feed, and another when that one has panicked.
struct Feeder {
    redis: Redis,
    copy: Option<std::path::PathBuf>,
    shared: feed::Shared,
}

impl App {
    /// Binds the addresses and makes the parts. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// With a sentence that says what to do.
    pub async fn build(config: Config, clock: Arc<dyn Clock>) -> Result<Self, BuildError> {
        let metrics = Arc::new(Metrics::new(config.workers));
        let ready = Arc::new(Ready::default());
        let keys = Arc::new(Keys::default());
        let revoked = Arc::new(Revoked::new(config.verifier.leeway));
        let roles = Arc::new(Roles::default());
        let shared = feed::Shared {
            revoked: Arc::clone(&revoked),
            roles: Arc::clone(&roles),
            ready: Arc::clone(&ready),
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(&clock),
        };
        let feeder = Feeder { redis: config.redis, copy: config.jwks_copy.clone(), shared };
        // Made now, to find out whether it can be.
        feeder.feed()?;
        let refresher = Refresher {
            source: Source::new(config.jwks)?,
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
            remembered: Remembered::new(config.remembered),
            policies: Policies::default(),
        });
        Ok(Self {
            listeners: Listener::bind_all(&config.listen).await?,
            ops_listeners: Listener::bind_all(&config.ops_listen).await?,
            handlers: Decisions::of_workers(
                &decider,
                config.challenges,
                config.traces.are_enabled(),
                metrics.tallies(),
            ),
            operations: Operations { ready, metrics, levels: Levels::default(), is_local: false },
            refresher,
            feeder,
            drain: config.drain,
        })
    }

    /// Lets operators change which lines are logged.
    #[must_use]
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.operations.levels = levels;
        self
    }

    /// Where nginx asks; ports are the real ones.
    pub fn addresses(&self) -> Vec<Address> {
        self.listeners.iter().map(|listener| listener.address().clone()).collect()
    }

    /// Where health and metrics are.
    pub fn ops_addresses(&self) -> Vec<Address> {
        self.ops_listeners.iter().map(|listener| listener.address().clone()).collect()
    }

    /// Answers until `shutdown` ends, then lets connections end.
    ///
    /// # Errors
    ///
    /// When no worker can be started, a part that must go on panics, or connections outlast the drain.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let (stop, stopped) = watch::channel(false);
        // Never told to stop: health and metrics are answered to the very end.
        let (_never, forever) = watch::channel(false);
        let Operations { ready, metrics, .. } = self.operations.clone();
        let workers = Arc::new(Workers::start(self.handlers, &stopped, &metrics)?);

        let mut background = JoinSet::new();
        background.spawn(self.refresher.run());
        background.spawn(self.feeder.run());
        for listener in self.ops_listeners {
            background.spawn(operate(listener, self.operations.clone(), forever.clone()));
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

        // Without one of these the sidecar would go on with old keys, or deaf: better none than that.
        tokio::select! {
            () = shutdown => {}
            Some(ended) = background.join_next() => return Err(RunError::of(ended)),
            Some(ended) = accepting.join_next() => return Err(RunError::of(ended)),
        }
        tracing::info!("Stopping: no more connections are taken, and those that are open end.");
        ready.drain();
        stop.send_replace(true);
        drain(accepting, workers, self.drain).await
    }
}

impl RunError {
    fn of(ended: Result<(), JoinError>) -> Self {
        Self::Ended(ended.err().map_or_else(|| "without a reason".to_owned(), |error| error.to_string()))
    }
}

impl Feeder {
    fn feed(&self) -> Result<Feed, BuildError> {
        let killed = KillList::open(self.copy.as_deref())?;
        Ok(Feed::new(self.redis.clone(), killed, self.shared.clone()))
    }

    /// A feed that panicked has perhaps left something out, so that nothing can be decided until another
    /// has read the whole log. What was read stays.
    async fn run(self) {
        loop {
            match self.feed() {
                Ok(feed) => {
                    let _panicked = tokio::spawn(feed.run()).await;
                    tracing::error!("The feed of revocations panicked; reading the whole log again.");
                }
                Err(error) => tracing::error!(%error, "The feed of revocations cannot be made again."),
            }
            self.shared.ready.set_revocations(Revocations::Unread);
            tokio::time::sleep(PAUSE_AFTER_PANIC).await;
        }
    }
}

/// Ends when decisions can be made, or are not to be waited for any longer.
async fn opening(ready: &Ready, mut stop: Stop) {
    tokio::select! {
        () = ready.complete() => {}
        () = tokio::time::sleep(OPENING) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn operate(listener: Listener, operations: Operations, stop: Stop) {
    let places = Arc::new(Semaphore::new(MOST_OPERATORS));
    let serve = |stream: Stream| {
        // Beyond the bound a connection is closed at once.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { return };
        let operations = Operations { is_local: stream.is_local(), ..operations.clone() };
        let served = server::serve(stream, operations, stop.clone());
        tokio::spawn(async move {
            served.await;
            drop(place);
        });
    };
    server::accept(listener, stop.clone(), serve).await;
}

/// Waits for the accept loops, then for the workers, at most for `limit`.
async fn drain(mut accepting: JoinSet<()>, workers: Arc<Workers>, limit: Duration) -> Result<(), RunError> {
    let ended = async {
        // A panic of one has been reported by the panic itself.
        while accepting.join_next().await.is_some() {}
        let Some(workers) = Arc::into_inner(workers) else { return };
        let _joined = tokio::task::spawn_blocking(|| workers.join()).await;
    };
    timeout(limit, ended).await.map_err(|_| RunError::Cut(limit))
}
