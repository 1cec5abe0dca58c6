//! The cinema's origin as a process: `launcher origin`.

use std::path::PathBuf;

use crate::{Error, Folder, Launch, Process, programs};

/// The cinema of the launcher, on a Unix socket.
#[derive(Debug)]
pub struct Origin {
    process: Process,
    socket: PathBuf,
}

impl Origin {
    /// Starts an origin with its socket in `folder`; for `ledger` see [`Launch::ledger`].
    ///
    /// # Errors
    ///
    /// When it does not answer in time.
    pub async fn start(folder: &Folder, ledger: Option<PathBuf>) -> Result<Self, Error> {
        let socket = folder.join("origin.sock");
        let program = programs::reachable(programs::ours("launcher")?, folder)?;
        let mut launch =
            Launch::new("origin", program, folder).args(["origin", "--listen"]).args([socket.as_os_str()]);
        launch.ledger = ledger;
        let mut process = launch.start()?;
        process.ready(async || std::os::unix::net::UnixStream::connect(&socket).is_ok()).await?;
        Ok(Self { process, socket })
    }

    /// Its address, as nginx's `server` takes it.
    pub fn address(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// Asks it to stop, and waits until it has finished its open requests.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop().await
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}
