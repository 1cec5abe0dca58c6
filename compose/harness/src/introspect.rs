//! The sidecar as a process.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::{Error, Folder, Launch, Process, http, ports, programs};

/// The settings of a sidecar.
#[derive(Debug, Clone)]
pub struct IntrospectSettings {
    /// The URL of the Redis with the revocations.
    pub redis: String,
    /// The source of the keys: `http://...` or `file:...`.
    pub jwks: String,
    /// The issuer that it accepts.
    pub issuer: String,
    /// The audience that it requires.
    pub audience: String,
    /// Other variables by name.
    pub env: Vec<(String, String)>,
    /// Its socket, for when the path of its folder is too long for a socket.
    pub socket: Option<PathBuf>,
    /// The port for health and metrics; 0 for a free one.
    pub ops_port: u16,
    /// The launcher's record; see [`Launch::ledger`].
    pub ledger: Option<PathBuf>,
}

/// A sidecar on a Unix socket in its own folder.
#[derive(Debug)]
pub struct Introspect {
    // Before the folder, because fields are dropped in this order.
    process: Process,
    folder: Folder,
    socket: PathBuf,
    ops: String,
}

impl Introspect {
    /// Starts a sidecar and waits until it is ready.
    ///
    /// # Errors
    ///
    /// If it is not built, or not ready in time.
    pub async fn start(settings: &IntrospectSettings) -> Result<Self, Error> {
        Self::start_in(settings, Folder::temporary()?).await
    }

    /// The same, in `folder`.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn start_in(settings: &IntrospectSettings, folder: Folder) -> Result<Self, Error> {
        let mut sidecar = Self::start_cold(settings, folder)?;
        sidecar.ready().await?;
        Ok(sidecar)
    }

    /// Starts a sidecar in `folder` without waiting, because its dependencies may be unavailable.
    ///
    /// # Errors
    ///
    /// If it is not built.
    pub fn start_cold(settings: &IntrospectSettings, folder: Folder) -> Result<Self, Error> {
        let port = if settings.ops_port == 0 { ports::free()? } else { settings.ops_port };
        let socket = settings.socket.clone().unwrap_or_else(|| folder.join("auth.sock"));
        let program = programs::reachable(programs::ours("introspect")?, &folder)?;
        let mut launch = Launch::new("introspect", program, &folder)
            .env([
                ("INTROSPECT_LISTEN", format!("unix:{}", socket.display())),
                ("INTROSPECT_OPS_LISTEN", format!("tcp:127.0.0.1:{port}")),
                ("INTROSPECT_JWKS", settings.jwks.clone()),
                ("INTROSPECT_JWKS_COPY", folder.join("jwks.json").display().to_string()),
                ("INTROSPECT_ISSUER", settings.issuer.clone()),
                ("INTROSPECT_AUDIENCE", settings.audience.clone()),
                ("REDIS_URL", settings.redis.clone()),
            ])
            .env(settings.env.clone())
            .signals(Signal::TERM, Signal::KILL);
        launch.ledger.clone_from(&settings.ledger);
        Ok(Self { process: launch.start()?, folder, socket, ops: format!("http://127.0.0.1:{port}") })
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    ///
    /// If it ends before, or takes too long.
    pub async fn ready(&mut self) -> Result<(), Error> {
        let url = self.ops("/health/ready");
        self.process.ready(async || answers_ok(&url).await).await
    }

    /// Whether it reports that it is ready.
    pub async fn is_ready(&self) -> bool {
        answers_ok(&self.ops("/health/ready")).await
    }

    /// The address of a path on the listener for health and metrics.
    pub fn ops(&self, path: &str) -> String {
        format!("{}{path}", self.ops)
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its address, as nginx's `server` takes it.
    pub fn address(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// The folder of its log and its copy of the keys.
    pub fn folder(&self) -> &Path {
        self.folder.path()
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

    /// Starts it again at the same socket, without waiting.
    ///
    /// # Errors
    ///
    /// When it cannot be executed.
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.process.start_again()
    }
}

pub(crate) async fn answers_ok(url: &str) -> bool {
    http::get(url).try_send().await.is_ok_and(|answer| answer.status == 200)
}
