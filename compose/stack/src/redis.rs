//! A private Redis.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use crate::error::Doing as _;
use crate::{Error, Folder, Launch, Process, ports, programs};

/// How one is started.
#[derive(Debug)]
pub struct Settings {
    /// Where it keeps its files.
    pub folder: Folder,
    /// Its port; 0 for a free one.
    pub port: u16,
    /// Whether it writes down what it holds.
    pub durable: bool,
    /// The launcher's record; see [`Launch::ledger`].
    pub ledger: Option<PathBuf>,
}

/// A Redis of one's own, on a free port of 127.0.0.1, without a password: it holds nothing secret, and
/// whoever may connect could at most sign people out.
#[derive(Debug)]
pub struct Redis {
    // Before the folder: fields end in this order.
    process: Process,
    folder: Folder,
    port: u16,
}

impl Redis {
    /// Starts one that keeps nothing on disk.
    ///
    /// # Errors
    ///
    /// When Redis is not installed or does not answer in time.
    pub async fn start() -> Result<Self, Error> {
        Self::start_with(Settings { folder: Folder::temporary()?, port: 0, durable: false, ledger: None })
            .await
    }

    /// Starts one as told.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn start_with(settings: Settings) -> Result<Self, Error> {
        let Settings { folder, port, durable, ledger } = settings;
        let port = if port == 0 { ports::free()? } else { port };
        let program = programs::installed("redis-server", "redis-server")?;
        let dir = folder.path().to_string_lossy().into_owned();
        let port_text = port.to_string();
        let mut launch = Launch::new("redis", program, &folder)
            .args(["--port", &port_text, "--bind", "127.0.0.1", "--dir", &dir, "--save", ""])
            // Evicting a revocation would undo it.
            .args(["--maxmemory-policy", "noeviction", "--daemonize", "no"])
            .args(["--appendonly", if durable { "yes" } else { "no" }])
            .signals(Signal::TERM, Signal::KILL);
        launch.ledger = ledger;
        let mut redis = Self { process: launch.start()?, folder, port };
        redis.ready().await?;
        Ok(redis)
    }

    /// Its address: `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process, to freeze it or to read its log.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Sends one inline command, such as `HSET key field value`, and returns the first line of the reply.
    ///
    /// # Errors
    ///
    /// When Redis does not answer within a second.
    pub fn command(&self, command: &str) -> Result<String, Error> {
        let reply = inline(self.port, command).doing(|| format!("Redis does not answer {command}"))?;
        Ok(reply.trim_end().to_owned())
    }

    /// `kill -9`.
    ///
    /// # Errors
    ///
    /// When it does not go.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.process.kill()
    }

    /// Asks it to stop, and waits.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop().await
    }

    /// Starts it again at the same address with nothing in it.
    ///
    /// # Errors
    ///
    /// When it does not answer in time.
    pub async fn start_empty(&mut self) -> Result<(), Error> {
        self.process.kill()?;
        let _absent = fs::remove_dir_all(self.folder.join("appendonlydir"));
        self.process.start_again()?;
        self.ready().await
    }

    async fn ready(&mut self) -> Result<(), Error> {
        let port = self.port;
        self.process.ready(async || inline(port, "PING").is_ok_and(|reply| reply == "+PONG\r\n")).await
    }
}

fn inline(port: u16, command: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(stream, "{command}\r\n")?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply)?;
    Ok(reply)
}
