//! PostgreSQL: where it is, and how many connections it lends us.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use shared::env::{Mistakes, Reader, Vars, between};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use self::tls::Parameters;

mod tls;

/// How long connecting, and waiting for a free connection, may take.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// How to reach PostgreSQL. Its `Debug` shows no password.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// The parsed `DATABASE_URL`.
    pub server: tokio_postgres::Config,
    /// What TLS is made with, where that URL asks for it.
    pub tls: MakeRustlsConnect,
    /// Connections in the pool. Beside it the relay and the watch over signing keys have one each.
    pub connections: usize,
}

impl DatabaseConfig {
    /// Reads this part alone, for commands that need no other.
    ///
    /// # Errors
    ///
    /// Every mistake at once.
    pub fn from_vars(vars: &dyn Vars) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(vars);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.required_secret("DATABASE_URL");
        let connections = reader.or("ADMIN_DATABASE_CONNECTIONS", 16, between(2, 1000));
        match parse(url?.expose_secret()) {
            Ok((server, tls)) => Some(Self { server, tls, connections }),
            Err(why) => {
                reader.mistake("DATABASE_URL", &why);
                None
            }
        }
    }
}

/// The error says nothing of the text, which holds a password.
fn parse(url: &str) -> Result<(tokio_postgres::Config, MakeRustlsConnect), String> {
    let (url, parameters) = Parameters::take(url);
    let mut server = tokio_postgres::Config::from_str(&url)
        .map_err(|_| "it is a URL such as postgres://user:password@host:5432/database")?;
    if server.get_hosts().is_empty() {
        return Err("it names no host; write postgres://user:password@host:5432/database".to_owned());
    }
    let (mode, tls) = parameters.read()?;
    // What the text itself says may only be stricter: `sslmode` outside of a URL's parameters.
    if server.get_ssl_mode() == SslMode::Require && mode == SslMode::Disable {
        return Err("for TLS it is a URL with ?sslmode=verify-full".to_owned());
    }
    server
        .ssl_mode(mode)
        .connect_timeout(PATIENCE)
        .tcp_user_timeout(Duration::from_secs(10))
        .keepalives_idle(Duration::from_secs(10))
        .application_name("usher admin");
    Ok((server, tls))
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("hosts", &self.server.get_hosts())
            .field("database", &self.server.get_dbname())
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}
