//! PostgreSQL: its address, TLS, and the size of the connection pool.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use runtime::env::{Mistakes, Reader, Vars, between};
use secrecy::ExposeSecret as _;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use self::tls::TlsParameters;

mod tls;

/// The limit on connecting, and on waiting for a free connection.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// See [`DatabaseConfig::silence`].
const SILENCE: Duration = Duration::from_secs(1);

/// How to reach PostgreSQL. Its `Debug` prints no password.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// The parsed `DATABASE_URL`.
    pub server: tokio_postgres::Config,
    /// The TLS configuration, if that URL requires TLS.
    pub tls: MakeRustlsConnect,
    /// Connections in the pool. The relay, the signing-key watcher and the watch for silence use one more each.
    pub connections: usize,
    /// How long PostgreSQL may take to answer an empty statement before it counts as silent. Not configurable: with what the
    /// watch adds it must be less than [`PATIENCE`].
    pub silence: Duration,
}

impl DatabaseConfig {
    /// Reads only this part, for commands that need no other.
    ///
    /// # Errors
    ///
    /// All errors at once.
    pub fn from_vars(vars: &dyn Vars) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(vars);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    /// The operator's connection options, followed by those of this service.
    pub(crate) fn options_with(&self, ours: &str) -> String {
        match self.server.get_options() {
            Some(own) => format!("{own} {ours}"),
            None => ours.to_owned(),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let url = reader.required_secret("DATABASE_URL");
        let connections = reader.or("ADMIN_DATABASE_CONNECTIONS", 16, between(2, 1000));
        match parse(url?.expose_secret()) {
            Ok((server, tls)) => Some(Self { server, tls, connections, silence: SILENCE }),
            Err(why) => {
                reader.mistake("DATABASE_URL", &why);
                None
            }
        }
    }
}

/// The error must not repeat the text, which contains a password.
fn parse(url: &str) -> Result<(tokio_postgres::Config, MakeRustlsConnect), String> {
    let (url, parameters) = TlsParameters::take(url);
    let mut server = tokio_postgres::Config::from_str(&url)
        .map_err(|_| "must be a URL such as postgres://user:password@host:5432/database")?;
    if server.get_hosts().is_empty() {
        return Err("does not contain a host; write postgres://user:password@host:5432/database".to_owned());
    }
    let (mode, tls) = parameters.read()?;
    // `sslmode` in the other form, outside of URL parameters, may only be stricter.
    if server.get_ssl_mode() == SslMode::Require && mode == SslMode::Disable {
        return Err("for TLS use a URL with ?sslmode=verify-full".to_owned());
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
