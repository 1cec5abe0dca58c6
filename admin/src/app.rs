//! The whole service: build it, run it, drain it.

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
use crate::db::{DbError, Schema, within};
use crate::health::{Draining, Health};
use crate::keys::{self, ChangeError, FirstUse, LoadError, MasterKeyError};
use crate::mail::{MailServerError, MailWorker};
use crate::partitions;
use crate::purges;
use crate::random::SystemRandom;
use crate::recovery::LinkIssuer;
use crate::revocations::{Relay, RelayTiming};
use crate::roles::ends;
use crate::router::{self, UnderWay};
use crate::server::{self, ServerLimits};
use crate::sessions::history::refusals;
use crate::stop::{Stop, stop_when};
use crate::users::password_schemes;

/// How long to wait before trying an unreachable PostgreSQL again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long one attempt to prepare may take; longer than PostgreSQL lets a statement wait for a lock.
const PREPARING: Duration = Duration::from_secs(15);

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

/// Why a service stopped without being asked to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The migrations have not been run.
    #[error("the database schema lacks {missing} migration(s); run `admin migrate`, then start again")]
    SchemaBehind {
        /// How many migrations are missing.
        missing: usize,
    },
    /// Another build migrated the database.
    #[error(
        "migration V{0} of the database differs from that of this program, so another build migrated it; run `admin migrate` \
         for what to do"
    )]
    SchemaDifferent(i32),
    /// PostgreSQL returned an error.
    #[error("cannot prepare the database: {0}")]
    Database(DbError),
    /// The signing keys cannot be used.
    #[error("cannot use the signing keys: {0}")]
    Keys(Box<dyn std::error::Error + Send + Sync>),
    /// The master keys are not the ones that this deployment has used.
    #[error(transparent)]
    MasterKeys(MasterKeyError),
    /// A background task that must never end has ended.
    #[error("a background task ended unexpectedly; restart the service")]
    Background,
    /// The drain took too long.
    #[error("stopped, but some requests were still running after ADMIN_DRAIN")]
    NotDrained,
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
        Ok(Self { context, relay, mail, api, ops })
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
        let Self { context, relay, mail, api, ops } = self;
        let drain = context.config.http.drain;
        let ending = 1 + usize::from(mail.is_some());
        let stop = stop_when(shutdown);
        let draining = Draining::default();
        let (all_drained, drained) = tokio::sync::oneshot::channel::<()>();
        let after_drain = stop_when(async { drop(drained.await) });

        let under_way = UnderWay::default();
        let routes = router::service(context.clone(), router::routes(), under_way.clone());
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
                server::serve(api, routes, stop, limits).await
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

/// Prepares, then runs the background tasks. Returns only on failure.
async fn work(
    context: &Context,
    (relay, mail): (Relay, Option<MailWorker>),
    after_drain: Stop,
    tried: &Notify,
    background: &mut JoinSet<Part>,
) -> RunError {
    let watch = context.clone();
    background.spawn(async move {
        watch.db.watch(&watch.config.database).await;
        Part::Endless
    });
    if let Err(error) = prepare(context, tried).await {
        return error;
    }
    tracing::info!("Ready.");
    let stop = after_drain.clone();
    background.spawn(async move {
        relay.run(stop).await;
        Part::Ending
    });
    match mail {
        Some(mail) => {
            background.spawn(async move {
                mail.run(after_drain).await;
                Part::Ending
            });
        }
        None => {
            tracing::info!("Mail is off, because ADMIN_MAIL_URL is not set: no notices are sent by mail.");
        }
    }
    maintain(context, background);
    let _ended = background.join_next().await;
    RunError::Background
}

/// Starts what keeps the keys, the expiries and the tables in order.
fn maintain(context: &Context, background: &mut JoinSet<Part>) {
    let key_watch = context.clone();
    background.spawn(async move {
        let life = key_watch.config.tokens.access_life;
        key_watch.keys.keep_fresh(&key_watch.config.database, &key_watch.db, life).await;
        Part::Endless
    });
    let expiry = context.clone();
    background.spawn(async move {
        ends::keep(expiry).await;
        Part::Endless
    });
    let schemes_task = context.clone();
    background.spawn(async move {
        password_schemes::keep_adapted(schemes_task).await;
        Part::Endless
    });
    let partition_task = context.clone();
    background.spawn(async move {
        partitions::keep_daily(partition_task).await;
        Part::Endless
    });
    let attempts = context.clone();
    background.spawn(async move {
        refusals::keep(attempts).await;
        Part::Endless
    });
    let purge_task = context.clone();
    background.spawn(async move {
        purges::keep(purge_task).await;
        Part::Endless
    });
}

/// How a background task ends.
#[derive(PartialEq, Eq)]
enum Part {
    /// It ends when asked to stop.
    Ending,
    /// It never ends.
    Endless,
}

/// It ends when the relay has published the remaining rows, and no mail is being sent.
async fn finish(background: &mut JoinSet<Part>, mut ending: usize) {
    while ending > 0 {
        match background.join_next().await {
            Some(Ok(Part::Ending)) => ending -= 1,
            Some(_) => {}
            None => return,
        }
    }
}

/// Waits for PostgreSQL, then checks the schema, the keys and this process's token life. Signals `tried`
/// after the first attempt.
async fn prepare(context: &Context, tried: &Notify) -> Result<(), RunError> {
    loop {
        let prepared = within(PREPARING, prepare_once(context)).await;
        tried.notify_one();
        match prepared {
            Err(RunError::Database(error)) if error.is_passing() => {
                tracing::warn!(reason = %error, "PostgreSQL is unavailable; answering requests with 503 \
                    until it is back.");
                sleep(PAUSE).await;
            }
            prepared => return prepared,
        }
    }
}

/// Checks that the database has this program's schema.
///
/// # Errors
///
/// [`RunError::SchemaBehind`] or [`RunError::SchemaDifferent`].
pub(crate) fn check(schema: Schema) -> Result<(), RunError> {
    match schema {
        Schema::Ready => Ok(()),
        Schema::Behind { missing } => Err(RunError::SchemaBehind { missing }),
        Schema::Different { version } => Err(RunError::SchemaDifferent(version)),
    }
}

async fn prepare_once(context: &Context) -> Result<(), RunError> {
    let mut connection = context.db.get().await?;
    check(Schema::of(&connection).await?)?;
    keys::check_master_keys(&connection, &context.config.master_keys, FirstUse::Store).await?;
    let transaction = connection.begin().await?;
    keys::ensure(&transaction, context.keys.sealer()).await?;
    transaction.commit().await?;
    drop(connection);
    // Before the first token is minted (for which the keys are needed): revocations must know how long a
    // token can live.
    context.keys.declare_life(&context.db, context.config.tokens.access_life).await?;
    context.keys.load(&context.db).await?;
    // Before the first sign-in fails.
    password_schemes::adapt(context).await?;
    Ok(())
}

impl From<DbError> for RunError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<MasterKeyError> for RunError {
    fn from(error: MasterKeyError) -> Self {
        match error {
            MasterKeyError::Database(error) => Self::Database(error),
            error => Self::MasterKeys(error),
        }
    }
}

impl From<ChangeError> for RunError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Database(error) => Self::Database(error),
            error => Self::Keys(error.into()),
        }
    }
}

impl From<LoadError> for RunError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Database(error) => Self::Database(error),
            LoadError::Ring(error) => Self::Keys(error.into()),
        }
    }
}
