//! The mock identity providers as a process: `mock-providers`. Only its JSON configuration is known here.

use std::fmt;
use std::path::PathBuf;

use crate::introspect::answers_ok;
use crate::{Error, Folder, Launch, Process, ports, programs};

mod clients;

use clients::Clients;

/// How they are started.
#[derive(Debug, Clone)]
pub struct ProvidersSettings {
    /// The public URL of the gateway, such as `http://127.0.0.1:8080`.
    pub public_url: String,
    /// The port to listen on; 0 for a free one.
    pub port: u16,
    /// The launcher's record; see [`Launch::ledger`].
    pub ledger: Option<PathBuf>,
}

/// Seven running providers; the cinema is registered as a client of each.
pub struct Providers {
    process: Process,
    port: u16,
    clients: Clients,
    // Held so that the folder is removed at the end.
    _folder: Folder,
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Providers")
            .field("process", &self.process)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Providers {
    /// Registers the cinema at all of them, with new secrets, and waits until they answer.
    ///
    /// # Errors
    ///
    /// When they are not built, or do not answer in time.
    pub async fn start(settings: &ProvidersSettings, folder: Folder) -> Result<Self, Error> {
        let port = if settings.port == 0 { ports::free()? } else { settings.port };
        let clients = Clients::new(&settings.public_url)?;
        let config = folder.write("providers.json", &clients.config())?;
        let program = programs::reachable(programs::ours("mock-providers")?, &folder)?;
        let mut launch = Launch::new("providers", program, &folder).args([
            "--listen".into(),
            format!("127.0.0.1:{port}").into(),
            "--config".into(),
            config,
        ]);
        launch.ledger.clone_from(&settings.ledger);
        let mut providers = Self { process: launch.start()?, port, clients, _folder: folder };
        let url = providers.url("/_control/people");
        providers.process.ready(async || answers_ok(&url).await).await?;
        Ok(providers)
    }

    /// The URL of a path of the providers.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// admin's variables for the providers and for its own public URL. They include secrets.
    pub fn admin_env(&self) -> Vec<(String, String)> {
        self.clients.admin_env(&self.url(""))
    }

    /// Asks them to stop, and waits until they have ended.
    ///
    /// # Errors
    ///
    /// When they do not stop.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop().await
    }

    /// Their process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}
