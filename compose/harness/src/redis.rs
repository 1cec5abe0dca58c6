//! A private Redis.

use std::fmt;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use crate::error::Doing as _;
use crate::{Error, Folder, Launch, Process, ports, programs};

/// How a server is started. Purposefully without `Debug`: it holds a password.
pub struct RedisSettings {
    /// The folder of its files.
    pub folder: Folder,
    /// Its port; 0 for a free one.
    pub port: u16,
    /// The password of its clients. Without one, every user of the machine could write to it, and so make a
    /// newly started sidecar believe that nothing was ever revoked.
    pub password: Option<String>,
    /// Whether it stores its data on disk.
    pub durable: bool,
    /// The launcher's record; see [`Launch::ledger`].
    pub ledger: Option<PathBuf>,
}

/// A private Redis, on a free port of 127.0.0.1.
pub struct Redis {
    // Before the folder, because fields are dropped in this order.
    process: Process,
    folder: Folder,
    port: u16,
    password: Option<String>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("process", &self.process)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Redis {
    /// Starts a server without a password that stores nothing on disk, which is enough for a test.
    ///
    /// # Errors
    ///
    /// If Redis is not installed or does not answer in time.
    pub async fn start() -> Result<Self, Error> {
        let folder = Folder::temporary()?;
        Self::start_with(RedisSettings { folder, port: 0, password: None, durable: false, ledger: None })
            .await
    }

    /// Starts a server with these settings.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn start_with(settings: RedisSettings) -> Result<Self, Error> {
        let RedisSettings { folder, port, password, durable, ledger } = settings;
        let port = if port == 0 { ports::free()? } else { port };
        let program = programs::installed("redis-server", "redis-server")?;
        let dir = folder.path().to_string_lossy().into_owned();
        let port_text = port.to_string();
        // The configuration is one line on the standard input, because every user can read the arguments.
        let secret = password.iter().map(|password| format!("requirepass {password}\n")).collect();
        let mut launch = Launch::new("redis", program, &folder)
            .args(password.iter().map(|_| "-"))
            .args(["--port", &port_text, "--bind", "127.0.0.1", "--dir", &dir, "--save", ""])
            // Evicting a revocation would make the token valid again.
            .args(["--maxmemory-policy", "noeviction", "--daemonize", "no"])
            .args(["--appendonly", if durable { "yes" } else { "no" }])
            .signals(Signal::TERM, Signal::KILL);
        launch.ledger = ledger;
        launch.input = secret;
        let mut redis = Self { process: launch.start()?, folder, port, password };
        redis.ready().await?;
        Ok(redis)
    }

    /// Its URL: `redis://127.0.0.1:PORT`, with its password if it has one.
    pub fn url(&self) -> String {
        let user = self.password.iter().map(|password| format!("default:{password}@"));
        format!("redis://{}127.0.0.1:{}", user.collect::<String>(), self.port)
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
        let reply = inline(self.port, self.password.as_deref(), command)
            .doing(|| format!("Redis does not answer {command}"))?;
        Ok(reply.trim_end().to_owned())
    }

    /// `kill -9`.
    ///
    /// # Errors
    ///
    /// If it does not end.
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

    /// Starts it again at the same address, without data.
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
        let (port, password) = (self.port, self.password.clone());
        let answers = || inline(port, password.as_deref(), "PING");
        self.process.ready(async || answers().is_ok_and(|reply| reply == "+PONG\r\n")).await
    }
}

fn inline(port: u16, password: Option<&str>, command: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut replies = BufReader::new(stream.try_clone()?);
    let mut reply = String::new();
    if let Some(password) = password {
        write!(stream, "AUTH {password}\r\n")?;
        replies.read_line(&mut reply)?;
        reply.clear();
    }
    write!(stream, "{command}\r\n")?;
    replies.read_line(&mut reply)?;
    Ok(reply)
}
