//! nginx with the shipped configuration; only `machine.conf` is written here.

use std::fmt::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::{Error, Folder, Launch, Process, ports, programs};

/// The folder of the shipped configuration.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../nginx");

/// For [`Machine::http`]: samples every trace, not one in a hundred.
pub const EVERY_TRACE: &str = "split_clients $request_id $trace_flags { * 01; }";

/// The part of the configuration that depends on the machine.
///
/// Addresses have the form of nginx's `server`: `127.0.0.1:8001` or `unix:/run/introspect/auth.sock`.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// The port of 127.0.0.1 to listen on; 0 for a free one.
    pub port: u16,
    /// The addresses of the sidecars.
    pub introspect: Vec<String>,
    /// The addresses of admin.
    pub admin: Vec<String>,
    /// The addresses of the cinema.
    pub origin: Vec<String>,
    /// Lines for the end of `machine.conf`, in the context `http`.
    pub http: String,
    /// Lines for the server, such as the include of an opt-in snippet.
    pub server: String,
    /// The launcher's record; see [`Launch::ledger`].
    pub ledger: Option<PathBuf>,
}

/// A private gateway.
#[derive(Debug)]
pub struct Nginx {
    // Before the folder, because fields are dropped in this order.
    process: Process,
    folder: Folder,
    port: u16,
}

impl Nginx {
    /// Starts a gateway in its own folder.
    ///
    /// # Errors
    ///
    /// If nginx is not installed, refuses the configuration or does not listen in time.
    pub async fn start(machine: &Machine) -> Result<Self, Error> {
        Self::start_in(Folder::temporary()?, machine).await
    }

    /// Starts a gateway in `folder`.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn start_in(folder: Folder, machine: &Machine) -> Result<Self, Error> {
        let port = if machine.port == 0 { ports::free()? } else { machine.port };
        let conf = render(machine, port);
        Self::start_with(folder, &conf, port, machine.ledger.clone()).await
    }

    /// Starts a gateway in `folder` with `conf` as its `machine.conf`, to which only the paths of its files are
    /// added; it must listen on `port` of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn start_with(
        folder: Folder,
        conf: &str,
        port: u16,
        ledger: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let shipped = folder.copy(Path::new(SHIPPED), "conf")?;
        let logs = folder.inside("logs")?;
        folder.inside("temporary")?;
        folder.write("conf/machine.conf", &format!("{}{conf}", places(folder.path())))?;
        let mut launch = Launch::new("nginx", programs::installed("nginx", "nginx")?, &logs)
            .args(["-e", "stderr", "-c", &shipped.join("nginx.conf").to_string_lossy()])
            .args(["-g", &format!("daemon off; pid {};", folder.join("nginx.pid").display())])
            // TERM also to end it: if the master were killed, its workers would continue.
            .signals(Signal::QUIT, Signal::TERM);
        launch.clone().args(["-t"]).run("")?;
        launch.ledger = ledger;
        let mut nginx = Self { process: launch.start()?, folder, port };
        nginx.process.ready(async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await?;
        Ok(nginx)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
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

    /// The access log so far.
    pub fn access_log(&self) -> String {
        self.read("logs/access.log")
    }

    /// The access log as it is in the file.
    pub fn access_log_bytes(&self) -> Vec<u8> {
        std::fs::read(self.folder.join("logs/access.log")).unwrap_or_default()
    }

    /// Its other log files.
    pub fn error_log(&self) -> String {
        self.read("logs/error.log") + &self.process.log()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }
}

/// The paths of its files: a packaged nginx has built-in paths that only root may use.
fn places(folder: &Path) -> String {
    let folder = folder.display();
    let mut text =
        format!("access_log {folder}/logs/access.log usher;\nerror_log {folder}/logs/error.log alert;\n");
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{kind}_temp_path {folder}/temporary/{kind};");
    }
    text
}

/// The rest of `machine.conf`, as in nginx/examples/machine.conf.
fn render(machine: &Machine, port: u16) -> String {
    let mut text = String::new();
    for (name, addresses) in
        [("introspect", &machine.introspect), ("admin", &machine.admin), ("origin", &machine.origin)]
    {
        let _ = writeln!(text, "upstream {name} {{\n    zone pool_{name} 128k;");
        let counted = if addresses.len() > 1 { "max_fails=1 fail_timeout=10s" } else { "max_fails=0" };
        for address in addresses {
            let _ = writeln!(text, "    server {address} {counted};");
        }
        for address in addresses.iter().filter(|_| addresses.len() > 1) {
            let _ = writeln!(text, "    server {address} backup max_fails=0;");
        }
        let _ = writeln!(text, "    include snippets/pool.conf;\n}}");
    }
    let _ = writeln!(text, "server {{\n    listen 127.0.0.1:{port};\n    include cinema.conf;");
    let _ = writeln!(text, "{}\n}}\n{}", machine.server, machine.http);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sidecar_is_a_server_of_the_pool() {
        let introspect = vec!["unix:/a".to_owned(), "unix:/b".to_owned()];
        let text = render(&Machine { introspect, ..Machine::default() }, 1234);
        assert!(text.contains(
            "server unix:/a backup max_fails=0;\n    server unix:/b backup max_fails=0;\n    include snippets"
        ));
        assert!(text.contains("listen 127.0.0.1:1234;"));
    }
}
