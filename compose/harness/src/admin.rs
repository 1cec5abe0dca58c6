//! admin as a process, and its commands.

use std::path::PathBuf;

use rustix::process::Signal;

use crate::introspect::answers_ok;
use crate::{Error, Folder, Launch, Process, ports, programs};

/// The settings of admin. Purposefully without `Debug`: it holds secrets.
#[derive(Clone)]
pub struct AdminSettings {
    /// The URL of its database.
    pub database: String,
    /// The URL of the Redis to which it publishes revocations.
    pub redis: String,
    /// The master keys: `id:base64,...`, 32 bytes each; the first one encrypts.
    pub master_keys: String,
    /// The issuer in its tokens.
    pub issuer: String,
    /// The audience of its tokens.
    pub audience: String,
    /// Other variables by name.
    pub env: Vec<(String, String)>,
    /// The port to listen on; 0 for a free one.
    pub port: u16,
    /// The port for health and metrics; 0 for a free one.
    pub ops_port: u16,
    /// Whether the database may lack migrations, which are then applied before the start.
    pub migrate: bool,
    /// The launcher's record; see [`Launch::ledger`].
    pub ledger: Option<PathBuf>,
}

/// A running admin.
#[derive(Debug)]
pub struct Admin {
    process: Process,
    port: u16,
    ops: String,
    // Held so that its folder is removed at the end.
    _folder: Folder,
}

/// Applies all migrations to the database at `url`.
///
/// # Errors
///
/// When admin is not built, or a migration fails.
pub fn migrate(url: &str) -> Result<(), Error> {
    let folder = Folder::temporary()?;
    let program = programs::reachable(programs::ours("admin")?, &folder)?;
    let launch = Launch::new("admin", program, &folder).env([("DATABASE_URL", url)]);
    launch.args(["migrate"]).run("").map(|_| ())
}

impl Admin {
    /// Migrates the database if requested, starts admin and waits until it is ready.
    ///
    /// # Errors
    ///
    /// If it is not built, refuses its settings, or is not ready in time.
    pub async fn start(settings: &AdminSettings, folder: Folder) -> Result<Self, Error> {
        let port = if settings.port == 0 { ports::free()? } else { settings.port };
        let ops_port = if settings.ops_port == 0 { ports::free()? } else { settings.ops_port };
        let program = programs::reachable(programs::ours("admin")?, &folder)?;
        let mut launch = Launch::new("admin", program, &folder)
            .env([
                ("ADMIN_LISTEN", format!("tcp:127.0.0.1:{port}")),
                ("ADMIN_OPS_LISTEN", format!("tcp:127.0.0.1:{ops_port}")),
                ("ADMIN_MASTER_KEYS", settings.master_keys.clone()),
                ("ADMIN_ISSUER", settings.issuer.clone()),
                ("ADMIN_AUDIENCE", settings.audience.clone()),
                // Only nginx may set the client's address.
                ("ADMIN_TRUSTED_PROXIES", "127.0.0.1/32".to_owned()),
                ("DATABASE_URL", settings.database.clone()),
                ("REDIS_URL", settings.redis.clone()),
            ])
            .env(settings.env.clone())
            .signals(Signal::TERM, Signal::KILL);
        launch.ledger.clone_from(&settings.ledger);
        if settings.migrate {
            launch.clone().args(["migrate"]).run("")?;
        }
        let ops = format!("http://127.0.0.1:{ops_port}");
        let mut process = launch.args(["serve"]).start()?;
        process.ready(async || answers_ok(&format!("{ops}/health/ready")).await).await?;
        Ok(Self { process, port, ops, _folder: folder })
    }

    /// Runs one of its commands, such as `roles create subscriber`, with `input` on its standard input, and
    /// returns its output.
    ///
    /// # Errors
    ///
    /// If the command fails; the error contains its output.
    pub fn command(&self, args: &[&str], input: &str) -> Result<String, Error> {
        let mut launch = self.process.launch().clone();
        launch.args.clear();
        launch.args(args).run(input)
    }

    /// The variable with the keys by which sidecars recognise its revocations.
    ///
    /// # Errors
    ///
    /// If the command fails.
    pub fn sidecar_keys(&self) -> Result<(String, String), Error> {
        let keys = self.command(&["keys", "sidecar"], "")?;
        Ok(("INTROSPECT_REVOCATION_KEYS".to_owned(), keys.trim().to_owned()))
    }

    /// The address of a path of its API.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The address of a path on the listener for health and metrics.
    pub fn ops(&self, path: &str) -> String {
        format!("{}{path}", self.ops)
    }

    /// Its address, as nginx's `server` takes it.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its process, to freeze it or to read its log.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// `kill -9`.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.process.kill()
    }

    /// Asks it to stop, and waits until it has finished its open requests.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop().await
    }

    /// Starts it again at the same addresses and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it is not ready in time.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        self.process.start_again()?;
        let url = self.ops("/health/ready");
        self.process.ready(async || answers_ok(&url).await).await
    }
}
