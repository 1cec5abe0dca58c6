//! The whole service: build it, run it, drain it.

mod background;
mod prepare;
mod run_error;

use std::sync::Arc;
use std::time::Duration;

use runtime::listen::{Address, ListenError, Listener};
use runtime::telemetry::Levels;
use shared::clock::{Clock, SystemClock};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::config::Config;
use crate::context::Context;
use crate::health::{Draining, Health};
use crate::keys;
use crate::mail::{MailServerError, MailWorker};
use crate::pages::PageSite;
use crate::random::SystemRandom;
use crate::recovery::LinkIssuer;
use crate::revocations::{Relay, RelayTiming};
use crate::router::{self, UnderWay};
use crate::server::{self, ServerLimits};
use crate::sessions::history::refusals;
use crate::stop::stop_when;

use background::{finish, work};
pub(crate) use prepare::check;
pub use run_error::RunError;

/// How long connections wait for the first attempt to prepare. With PostgreSQL available it takes a fraction
/// of this. Less than nginx waits for a response.
const OPENING: Duration = Duration::from_secs(1);

/// A service whose sockets are bound.
pub struct App {
    context: Context,
    relay: Relay,
    /// `None` if no mail is sent.
    mail: Option<MailWorker>,
    api: Vec<Listener>,
    /// The listener of the console; none if it is not served.
    console: Vec<Listener>,
    ops: Vec<Listener>,
}

/// Why a service could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A socket could not be bound.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The HTTP client for identity providers could not be created.
    #[error(
        "cannot create the HTTP client for identity providers: {0}; check that the system's root \
        certificates are installed"
    )]
    Providers(#[from] reqwest::Error),
    /// The connection to the mail server cannot be secured as configured.
    #[error(transparent)]
    Mail(#[from] MailServerError),
}

/// The dependencies of handlers, with the clock and the randomness of the system. Opens no connection.
pub(crate) fn context(config: Config) -> Context {
    Context::new(config, router::PROVIDER_PATHS, Arc::new(SystemClock), Arc::new(SystemRandom))
}

impl App {
    /// Binds all sockets. Stores are reached later, by [`Self::run`].
    ///
    /// # Errors
    ///
    /// When a socket cannot be bound.
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let api = Listener::bind_all(&config.http.listen).await?;
        let ops = Listener::bind_all(&config.http.ops_listen).await?;
        let console = match &config.http.console {
            Some(console) => Listener::bind_all(&console.listen).await?,
            None => Vec::new(),
        };
        let context = context(config);
        context.providers.prepare()?;
        let config = &context.config;
        let relay = Relay::new(
            &config.database,
            &config.redis,
            keys::log_keys(&config.master_keys),
            context.metrics.relay.clone(),
            RelayTiming::default(),
        );
        let mail = config.mail.clone().map(|mail| {
            let (core, database) = (&context, config.database.clone());
            let issuer = Arc::new(LinkIssuer::new(core));
            let random = Arc::clone(&core.random);
            MailWorker::new(core.db.clone(), database, Arc::clone(&core.outbox), mail, random, issuer)
        });
        let mail = mail.transpose()?;
        Ok(Self { context, relay, mail, api, console, ops })
    }

    /// Changes at run time which lines are logged.
    #[must_use]
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.context.levels = levels;
        self
    }

    /// Sets the clock, which tests own.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.context.clock = clock;
        self
    }

    /// Shared by all handlers.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The listener of the API.
    pub fn api_addresses(&self) -> Vec<Address> {
        self.api.iter().map(|listener| listener.address().clone()).collect()
    }

    /// The listener of the console.
    pub fn console_addresses(&self) -> Vec<Address> {
        self.console.iter().map(|listener| listener.address().clone()).collect()
    }

    /// The listener of health and metrics.
    pub fn ops_addresses(&self) -> Vec<Address> {
        self.ops.iter().map(|listener| listener.address().clone()).collect()
    }

    /// Serves until `shutdown`, then drains.
    ///
    /// Listens from the beginning, so that early connections wait. They are answered after the first attempt
    /// to prepare, with 503 while PostgreSQL is unavailable. Redis may be unavailable.
    ///
    /// # Errors
    ///
    /// When the schema is behind, the keys cannot be used, or the drain took too long.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), RunError> {
        let Self { context, relay, mail, api, console, ops } = self;
        let drain = context.config.http.drain;
        let ending = 1 + usize::from(mail.is_some());
        let stop = stop_when(shutdown);
        let draining = Draining::default();
        let (all_drained, drained) = tokio::sync::oneshot::channel::<()>();
        let after_drain = stop_when(async { drop(drained.await) });

        let under_way = UnderWay::default();
        let service = |site, routes| router::service(context.clone(), site, routes, under_way.clone());
        let services = vec![
            (api, service(PageSite::Account, router::routes())),
            (console, service(PageSite::Console, router::console_routes())),
        ];
        let tried = Arc::new(Notify::new());
        let limits = ServerLimits {
            drain,
            database_connections: context.config.database.connections,
            closed: context.metrics.connections_closed.clone(),
        };
        let api = {
            let (tried, stop) = (Arc::clone(&tried), stop.clone());
            async move {
                // Meanwhile connections wait; without this they would be answered 503.
                tokio::select! {
                    () = tried.notified() => {}
                    () = sleep(OPENING) => {}
                    () = stop.clone() => {}
                }
                server::serve(services, stop, limits).await
            }
        };
        let health = Health { context: context.clone(), draining: draining.clone() };
        let ops = runtime::ops::serve(ops, health);
        let mut api = JoinSet::from_iter([api]);
        // Kept until the end, so that health checks see that the service is draining.
        let _ops = JoinSet::from_iter([ops]);

        // Aborts the tasks that are still running when this function returns.
        let mut background = JoinSet::new();
        let outcome = tokio::select! {
            () = stop => Ok(()),
            error = work(&context, (relay, mail), after_drain, &tried, &mut background) => Err(error),
        };
        draining.begin();
        outcome?;
        tracing::info!("Stopping: no new connections are accepted; requests in progress may finish.");
        let deadline = Instant::now() + drain;
        let answered = matches!(api.join_next().await, Some(Ok(true)));
        // A client that hung up has no connection any more, but its request is still processed.
        let finished = timeout_at(deadline, under_way.end()).await.is_ok() && answered;
        let _late = timeout_at(deadline, context.unawaited.end()).await;
        let _late = timeout_at(deadline, refusals::flush(&context)).await;
        // Requests in progress may have revoked something or caused a mail, so the relay and the worker of mails stop
        // after them.
        drop(all_drained);
        let _stragglers = tokio::time::timeout(drain, finish(&mut background, ending)).await;
        if finished { Ok(()) } else { Err(RunError::NotDrained) }
    }
}
