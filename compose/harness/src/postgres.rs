//! A private PostgreSQL.

use std::fmt;
use std::path::PathBuf;

use rustix::process::Signal;
use tokio_postgres::NoTls;

use crate::{Error, Folder, Launch, Process, ports, programs, random};

/// What a server that lives as long as a test may do without.
const NOT_DURABLE: [&str; 4] = ["-c", "fsync=off", "-c", "full_page_writes=off"];

/// How one is started. Purposefully without `Debug`: it holds a password.
pub struct Settings {
    /// Where it keeps its files.
    pub folder: Folder,
    /// Its port; 0 for a free one.
    pub port: u16,
    /// The password of its superuser, `postgres`.
    pub password: String,
    /// Whether what it holds survives a crash of the machine.
    pub durable: bool,
    /// The launcher's record; see [`Launch::ledger`].
    pub ledger: Option<PathBuf>,
}

/// A PostgreSQL of one's own, on a free port of 127.0.0.1, with a password made for it.
///
/// Making one takes about two seconds: a test that only needs a database takes a
/// [`Database`](crate::Database) of the shared server.
pub struct Postgres {
    // Before the folder: fields end in this order.
    process: Process,
    folder: Folder,
    port: u16,
    password: String,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("process", &self.process)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Postgres {
    /// Makes one and starts it. What it holds would not survive a crash of the machine.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed or does not answer in time.
    pub async fn start() -> Result<Self, Error> {
        let password = random::word()?;
        let folder = Folder::temporary()?;
        Self::start_with(Settings { folder, port: 0, password, durable: false, ledger: None }).await
    }

    /// Starts one as told; its data is made the first time.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn start_with(settings: Settings) -> Result<Self, Error> {
        let Settings { folder, port, password, durable, ledger } = settings;
        let port = if port == 0 { ports::free()? } else { port };
        if !folder.join("data/PG_VERSION").is_file() {
            make(&folder, &password)?;
        }
        let data = folder.join("data").to_string_lossy().into_owned();
        let port_text = port.to_string();
        let mut launch = Launch::new("postgres", programs::postgres("postgres")?, &folder)
            .args(["-D", &data, "-p", &port_text, "-c", "listen_addresses=127.0.0.1"])
            .args([
                "-c",
                "unix_socket_directories=",
                "-c",
                "shared_buffers=64MB",
                "-c",
                "max_connections=400",
                // The details of a refused duplicate are people's addresses.
                "-c",
                "log_error_verbosity=terse",
                // A test that ends while its service connects leaves a connection that answers nothing, and
                // dropping its database waits for that one.
                "-c",
                "authentication_timeout=5s",
            ])
            .args(if durable { &[] as &[&str] } else { &NOT_DURABLE })
            // "Fast" to stop: clients are cut off, what they committed stays. "Immediate" to end.
            .signals(Signal::INT, Signal::QUIT);
        launch.ledger = ledger;
        let mut postgres = Self { process: launch.start()?, folder, port, password };
        postgres.ready().await?;
        Ok(postgres)
    }

    /// The address of its first database, `postgres`, as its superuser.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The address of a database.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Its port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its data, for `pg_ctl -D`.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Its process, to freeze it or to read its log.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// `kill -9` for all its processes.
    ///
    /// # Errors
    ///
    /// When they do not go.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.process.kill()
    }

    /// Stops it; clients are cut off, what they committed stays.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop().await
    }

    /// Starts it again at the same address, with what it held.
    ///
    /// # Errors
    ///
    /// When it does not answer in time.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        self.process.start_again()?;
        self.ready().await
    }

    async fn ready(&mut self) -> Result<(), Error> {
        let url = self.url();
        self.process.ready(async || tokio_postgres::connect(&url, NoTls).await.is_ok()).await
    }
}

/// `initdb`, with the password in a file that only its user can read.
fn make(folder: &Folder, password: &str) -> Result<(), Error> {
    // What an interrupted first start left behind is not a database.
    let _absent = std::fs::remove_dir_all(folder.join("data"));
    let password_file = folder.write("password", password)?;
    let data = folder.join("data").to_string_lossy().into_owned();
    let result = Launch::new("initdb", programs::postgres("initdb")?, folder)
        .args([
            "-D",
            &data,
            "--username=postgres",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ])
        .args(["--no-sync", &format!("--pwfile={}", password_file.display())])
        .run("");
    let _kept_elsewhere = std::fs::remove_file(password_file);
    result.map(|_| ())
}
