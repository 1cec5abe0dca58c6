//! The sidecar as a process.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::{Error, Folder, Launch, Process, http, ports, programs};

/// What a sidecar needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the revocations come from.
    pub redis: String,
    /// Where the keys come from: `http://...` or `file:...`.
    pub jwks: String,
    /// The issuer it believes.
    pub issuer: String,
    /// The audience it stands for.
    pub audience: String,
    /// Anything else, by the name of its variable.
    pub env: Vec<(String, String)>,
    /// Its socket, when its folder's path is too long for one.
    pub socket: Option<PathBuf>,
    /// The port for health and metrics; 0 for a free one.
    pub ops_port: u16,
    /// The launcher's record; see [`Launch::ledger`].
    pub ledger: Option<PathBuf>,
}

/// A sidecar on a Unix socket in a folder of its own.
#[derive(Debug)]
pub struct Introspect {
    // Before the folder: fields end in this order.
    process: Process,
    folder: Folder,
    socket: PathBuf,
    ops: String,
}

impl Introspect {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it is not built, or not ready in time.
    pub async fn start(settings: &Settings) -> Result<Self, Error> {
        Self::start_in(settings, Folder::temporary()?).await
    }

    /// The same, in `folder`.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn start_in(settings: &Settings, folder: Folder) -> Result<Self, Error> {
        let mut sidecar = Self::start_cold(settings, folder)?;
        sidecar.ready().await?;
        Ok(sidecar)
    }

    /// Starts one in `folder` and does not wait: it may well have nothing to become ready by.
    ///
    /// # Errors
    ///
    /// When it is not built.
    pub fn start_cold(settings: &Settings, folder: Folder) -> Result<Self, Error> {
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
    /// When it ends before, or it takes too long.
    pub async fn ready(&mut self) -> Result<(), Error> {
        let url = self.ops("/health/ready");
        self.process.ready(async || answers_ok(&url).await).await
    }

    /// Whether it says that it is ready.
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

    /// The folder of its copy of the keys and its log.
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
    /// When it does not go.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.process.kill()
    }

    /// Asks it to stop, and waits until it has finished what it was doing.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop().await
    }

    /// Starts it again at the same socket, and does not wait.
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
