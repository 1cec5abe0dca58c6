//! A real service on port 0, with its own database and Redis prefix.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use admin::app::App;
use admin::config::Config;
use admin::context::Context;
use runtime::listen::Address;
use shared::clock::{Clock as _, SystemClock};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Client, RevocationLog, TestDatabase, documented, store_url, until};

/// The issuer of every test's tokens.
pub const ISSUER: &str = "https://cinema.test";

/// Environment variables for a service that does not read the real ones.
pub type Vars = HashMap<&'static str, String>;

/// A running service. Dropping it stops it and removes what it stored.
pub struct TestApp {
    /// A client of the API.
    pub client: Client,
    /// A client of health and metrics.
    pub ops: Client,
    /// A client of the console; `None` if it is not served.
    pub console: Option<Client>,
    /// What handlers are given.
    pub context: Context,
    /// The revocation log in Redis.
    pub log: RevocationLog,
    /// The variables it was started with.
    pub vars: Vars,
    /// By how many seconds its clock is ahead of that of the machine.
    ahead: Arc<AtomicU64>,
    /// Its database; a second replica has none of its own.
    pub database: Option<TestDatabase>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<Result<(), String>>>,
}

/// A unique Redis prefix.
pub fn prefix() -> String {
    format!("test:{}:", super::new_id().simple())
}

/// The variables of a service on `database` with the Redis prefix `prefix`.
pub fn variables(database: &str, prefix: &str) -> Vars {
    HashMap::from([
        ("DATABASE_URL", database.to_owned()),
        ("REDIS_URL", store_url("TEST_REDIS_URL")),
        ("REDIS_PREFIX", prefix.to_owned()),
        ("ADMIN_LISTEN", "tcp:127.0.0.1:0".to_owned()),
        ("ADMIN_OPS_LISTEN", "tcp:127.0.0.1:0".to_owned()),
        ("ADMIN_MASTER_KEYS", "1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=".to_owned()),
        ("ADMIN_ISSUER", ISSUER.to_owned()),
        ("ADMIN_AUDIENCE", "cinema".to_owned()),
        ("ADMIN_TRUSTED_PROXIES", "127.0.0.1".to_owned()),
        ("ADMIN_HASH_THREADS", "2".to_owned()),
        // Hashes take long while many tests run.
        ("ADMIN_HASH_WAIT", "6s".to_owned()),
        ("ADMIN_DATABASE_CONNECTIONS", "8".to_owned()),
        ("ADMIN_DRAIN", "5s".to_owned()),
    ])
}

impl TestApp {
    /// A service with the usual configuration, ready.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A service with some variables changed, ready.
    pub async fn start_with(changes: &[(&'static str, &str)]) -> Self {
        let app = Self::launch(changes).await;
        app.await_ready().await;
        app
    }

    /// A service on a migrated database, not necessarily ready.
    pub async fn launch(changes: &[(&'static str, &str)]) -> Self {
        let database = TestDatabase::kept().await;
        let mut vars = variables(&database.url, &prefix());
        vars.extend(changes.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut app = Self::launch_on(vars).await;
        app.database = Some(database);
        app
    }

    /// Another replica on the same stores, ready.
    pub async fn replica(&self) -> Self {
        let app = Self::launch_on(self.vars.clone()).await;
        app.await_ready().await;
        app
    }

    /// A service with exactly these variables, on stores owned by another value.
    pub async fn launch_on(vars: Vars) -> Self {
        let mut config = Config::from_vars(&vars).expect("the configuration is good");
        // Statements take long while many tests run.
        config.http.stores = config.http.handling;
        config.database.silence = Duration::from_secs(20);
        Self::launch_configured(config, vars).await
    }

    /// A service with a configuration that no variable can express, derived from `vars`.
    pub async fn launch_configured(config: Config, vars: Vars) -> Self {
        config.logs.start();
        let ahead = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&ahead);
        let clock = Arc::new(move || SystemClock.unix_seconds() + clock.load(Ordering::Relaxed));
        let app = App::build(config).await.expect("it can listen").with_clock(clock);
        let client = Client::new(&base(&app.api_addresses())).checked(documented::check);
        let ops = Client::new(&base(&app.ops_addresses()));
        let addresses = app.console_addresses();
        let console = (!addresses.is_empty()).then(|| Client::new(&base(&addresses)));
        let context = app.context().clone();
        let log = RevocationLog::new(&vars["REDIS_PREFIX"]);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            app.run(async { drop(stopped.await) }).await.map_err(|error| error.to_string())
        });
        Self {
            client,
            ops,
            console,
            context,
            log,
            vars,
            ahead,
            database: None,
            stop: Some(stop),
            running: Some(running),
        }
    }

    /// Moves its clock forward: what its tokens and counters are compared with. PostgreSQL has its own.
    pub fn advance(&self, by: Duration) {
        self.ahead.fetch_add(by.as_secs(), Ordering::Relaxed);
    }

    /// Moves its clock to the next beginning of a window of this length, so that what a test counts is in one window.
    pub fn begin_window(&self, length: Duration) {
        let (now, length) = (self.context.clock.unix_seconds(), length.as_secs());
        self.advance(Duration::from_secs(length - now % length));
    }

    /// Waits for `/health/ready`.
    pub async fn await_ready(&self) {
        until("the service is ready", async || {
            assert!(self.running.as_ref().is_some_and(|running| !running.is_finished()), "it ended");
            (self.ops.get("/health/ready").send().await.status == 200).then_some(())
        })
        .await;
    }

    /// Asks it to stop and waits for the end.
    pub async fn stop(&mut self) -> Result<(), String> {
        self.ask_to_stop();
        self.ended().await
    }

    /// Asks it to stop.
    pub fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it ended, by itself or because it was asked to.
    pub async fn ended(&mut self) -> Result<(), String> {
        self.running.take().expect("it is waited for once").await.expect("it does not panic")
    }

    /// A connection to its database, for arranging and for inspecting.
    pub async fn sql(&self) -> tokio_postgres::Client {
        super::database::connect(&self.vars["DATABASE_URL"]).await
    }
}

fn base(addresses: &[Address]) -> String {
    match addresses.first() {
        Some(Address::Tcp(address)) => format!("http://{address}"),
        other => panic!("tests reach the service over TCP, not {other:?}"),
    }
}
