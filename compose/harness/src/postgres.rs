//! A private PostgreSQL.

use std::fmt;
use std::path::PathBuf;

use rustix::process::Signal;
use tokio_postgres::NoTls;

use crate::{Error, Folder, Launch, Process, ports, programs, random};

/// Settings for a server that lives only as long as a test: no durability.
const NOT_DURABLE: [&str; 4] = ["-c", "fsync=off", "-c", "full_page_writes=off"];

/// How a server is started. Purposefully without `Debug`: it holds a password.
pub struct PostgresSettings {
    /// The folder of its files.
    pub folder: Folder,
    /// Its port; 0 for a free one.
    pub port: u16,
    /// The password of its superuser, `postgres`.
    pub password: String,
    /// Whether its data survives a crash of the machine.
    pub durable: bool,
    /// The launcher's record; see [`Launch::ledger`].
    pub ledger: Option<PathBuf>,
}

/// A private PostgreSQL, on a free port of 127.0.0.1, with a generated password.
///
/// Creating one takes about two seconds. A test that only needs a database uses a [`Database`](crate::Database)
/// on the shared server.
pub struct Postgres {
    // Before the folder, because fields are dropped in this order.
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
    /// Creates a server and starts it. Its data does not survive a crash of the machine.
    ///
    /// # Errors
    ///
    /// If PostgreSQL is not installed or does not answer in time.
    pub async fn start() -> Result<Self, Error> {
        let password = random::word()?;
        let folder = Folder::temporary()?;
        Self::start_with(PostgresSettings { folder, port: 0, password, durable: false, ledger: None }).await
    }

    /// Starts a server with these settings; its data is created at the first start.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub async fn start_with(settings: PostgresSettings) -> Result<Self, Error> {
        let PostgresSettings { folder, port, password, durable, ledger } = settings;
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
                // The details of a refused duplicate contain users' addresses.
                "-c",
                "log_error_verbosity=terse",
                // A test that ends while its service is connecting leaves a connection that does not answer,
                // and dropping its database would wait for that connection.
                "-c",
                "authentication_timeout=5s",
            ])
            .args(if durable { &[] as &[&str] } else { &NOT_DURABLE })
            // To stop: "fast", which closes connections and keeps committed data. To end: "immediate".
            .signals(Signal::INT, Signal::QUIT);
        launch.ledger = ledger;
        let mut postgres = Self { process: launch.start()?, folder, port, password };
        postgres.ready().await?;
        Ok(postgres)
    }

    /// The URL of its first database, `postgres`, as its superuser.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The URL of a database.
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
    /// If they do not end.
    pub fn kill(&mut self) -> Result<(), Error> {
        self.process.kill()
    }

    /// Stops it; connections are closed, and committed data stays.
    ///
    /// # Errors
    ///
    /// When it does not stop.
    pub async fn stop(&mut self) -> Result<(), Error> {
        self.process.stop().await
    }

    /// Starts it again at the same address with the same data.
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
    // Files that an interrupted first start left behind are not a database.
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
