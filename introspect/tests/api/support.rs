//! A private sidecar, the log that it follows, and a client that sees every byte.

mod client;
mod issuer;
pub(crate) mod log;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use forge::{ManualClock, Mint};
use introspect::app::{App, RunError};
use introspect::config::Config;
use runtime::env::{ProcessVars, Vars as _};
use runtime::listen::Address;
use runtime::telemetry::Levels;
use serde_json::Value;
use shared::clock::{Clock, SystemClock};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) use client::{Answer, Client};
pub(crate) use harness::Proxy;
pub(crate) use issuer::Issuer;
pub(crate) use log::Log;

/// The issuer of the tokens in all tests.
pub(crate) const ISSUER: &str = "https://cinema.example";
/// Longer than any step may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// How a sidecar is started.
pub(crate) struct Setup {
    /// Variables in addition to the defaults of the tests.
    pub(crate) vars: HashMap<&'static str, String>,
    /// The log that it follows.
    pub(crate) log: Log,
    /// The keys that sign tokens.
    pub(crate) mint: Mint,
    /// The clock of the sidecar.
    pub(crate) clock: Arc<ManualClock>,
    /// The folder of its sockets and keys.
    pub(crate) folder: TempDir,
}

/// A running sidecar.
pub(crate) struct Sidecar {
    pub(crate) log: Log,
    pub(crate) mint: Mint,
    pub(crate) clock: Arc<ManualClock>,
    /// How many threads are reading the clock.
    pub(crate) waiting: Arc<AtomicUsize>,
    pub(crate) folder: TempDir,
    pub(crate) addresses: Vec<Address>,
    ops: Address,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), RunError>>>,
}

struct TestClock {
    clock: Arc<ManualClock>,
    waiting: Arc<AtomicUsize>,
}

/// A clock that is set to this time panics when it is read.
pub(crate) const POISON: u64 = u64::MAX;
/// A clock that is set to this time makes its reader wait until it is set to another.
pub(crate) const STUCK: u64 = u64::MAX - 1;

impl Clock for TestClock {
    fn unix_seconds(&self) -> u64 {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        while self.clock.now() == STUCK {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let now = self.clock.now();
        assert_ne!(now, POISON, "a test asked for a panic");
        now
    }
}

/// The Redis of the tests.
pub(crate) fn redis_url() -> String {
    let url = ProcessVars.get("TEST_REDIS_URL").unwrap();
    url.expect(
        "TEST_REDIS_URL is not set: start the stores with ./compose/local services, and set it as printed",
    )
}

/// Waits until `fact` is true, and fails after the time limit.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut fact: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !fact() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

impl Setup {
    /// A log with an empty epoch, keys in a file, one TCP port.
    pub(crate) fn new() -> Self {
        let (folder, mint) = (tempfile::tempdir().unwrap(), Mint::new());
        let jwks = folder.path().join("jwks.json");
        std::fs::write(&jwks, mint.jwks()).unwrap();
        let log = Log::new();
        let vars = HashMap::from([
            ("REDIS_URL", redis_url()),
            ("REDIS_PREFIX", log.prefix().to_owned()),
            ("INTROSPECT_LISTEN", "tcp:127.0.0.1:0".to_owned()),
            ("INTROSPECT_OPS_LISTEN", "tcp:127.0.0.1:0".to_owned()),
            ("INTROSPECT_JWKS", format!("file:{}", jwks.display())),
            ("INTROSPECT_ISSUER", ISSUER.to_owned()),
            ("INTROSPECT_AUDIENCE", "cinema".to_owned()),
            ("INTROSPECT_WORKERS", "2".to_owned()),
        ]);
        let clock = Arc::new(ManualClock::new(SystemClock.unix_seconds()));
        Self { vars, log, mint, clock, folder }
    }

    /// With another variable.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.vars.insert(name, value.into());
        self
    }

    /// Starts it, and waits only until its sockets exist.
    pub(crate) fn start_cold(self) -> Sidecar {
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = Config::from_vars(&self.vars).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let waiting = Arc::new(AtomicUsize::new(0));
        let clock = Arc::new(TestClock { clock: Arc::clone(&self.clock), waiting: Arc::clone(&waiting) });
        let (stop, stopped) = oneshot::channel();
        let (bound, listening) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let ended = runtime.block_on(async {
                let app = App::build(config, clock, Levels::default())
                    .await
                    .unwrap_or_else(|error| panic!("{error}"));
                bound.send((app.addresses(), app.ops_addresses().remove(0))).unwrap();
                app.run(async { drop(stopped.await) }).await
            });
            runtime.shutdown_background();
            ended
        });
        let (addresses, ops) = listening.recv().expect("the sidecar listens");
        Sidecar {
            log: self.log,
            mint: self.mint,
            clock: self.clock,
            waiting,
            folder: self.folder,
            addresses,
            ops,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Starts a new epoch in the log and then the sidecar, and waits until it is ready.
    pub(crate) fn start(self) -> Sidecar {
        if self.log.position().is_none() {
            self.log.begin(1, &[]);
        }
        let sidecar = self.start_cold();
        sidecar.wait_ready();
        sidecar
    }
}

impl Sidecar {
    /// The default sidecar, ready.
    pub(crate) fn start() -> Self {
        Setup::new().start()
    }

    /// Valid claims at the time of its clock.
    pub(crate) fn claims(&self) -> Value {
        forge::claims(ISSUER, self.clock.now())
    }

    /// A valid token of a new user.
    pub(crate) fn token(&self) -> String {
        self.mint.token(&self.claims())
    }

    /// A connection to its first address.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(&self.addresses[0])
    }

    /// One request under `policy` on its own connection.
    pub(crate) fn ask(&self, policy: &str, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("X-Auth-Policy", policy), ("X-Original-Method", "GET")];
        all.extend(headers);
        self.connect().ask(&all)
    }

    /// The same with a bearer token.
    pub(crate) fn ask_with(&self, policy: &str, token: &str) -> Answer {
        self.ask(policy, &[("Authorization", &format!("Bearer {token}"))])
    }

    /// Waits until a request with the token gets `status` under `user`.
    #[track_caller]
    pub(crate) fn wait_for(&self, token: &str, status: u16) {
        let mut client = self.connect();
        let authorization = format!("Bearer {token}");
        let headers = [("X-Auth-Policy", "user"), ("Authorization", &*authorization)];
        wait_until(&format!("{status} for the token"), || client.ask(&headers).status == status);
    }

    /// The address of health and metrics.
    pub(crate) fn ops_address(&self) -> &Address {
        &self.ops
    }

    /// A connection to the operators' listener.
    pub(crate) fn connect_operator(&self) -> Client {
        Client::connect(&self.ops)
    }

    /// A response of the operators' listener.
    pub(crate) fn operations(&self, path: &str) -> Answer {
        Client::connect(&self.ops).get(path)
    }

    /// Waits until the sidecar reports that it is ready.
    #[track_caller]
    pub(crate) fn wait_ready(&self) {
        wait_until("ready", || self.operations("/health/ready").status == 200);
    }

    /// The value of a metric, by its name and labels as they are written in the text.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.operations("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        line.unwrap_or(0)
    }

    /// Whether it has stopped.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Asks it to stop, without waiting.
    pub(crate) fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has stopped.
    pub(crate) fn end(&mut self) -> Result<(), RunError> {
        self.begin_stop();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        self.begin_stop();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}
