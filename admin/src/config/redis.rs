//! Redis: where it is, and under which prefix our keys lie.

use std::fmt;

use ::redis::{ConnectionInfo, IntoConnectionInfo as _, io::tcp::TcpSettings};
use secrecy::ExposeSecret as _;
use shared::env::{Mistakes, Reader, Vars};
use shared::revocation::Keys;

/// How to reach Redis. Its `Debug` shows no password.
#[derive(Clone)]
pub struct RedisConfig {
    /// The parsed `REDIS_URL`, with Nagle's algorithm off: a revocation must not wait for an acknowledgement.
    pub server: ConnectionInfo,
    /// What every key begins with.
    pub prefix: String,
}

impl RedisConfig {
    /// Reads this part alone.
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
        let url = reader.required_secret("REDIS_URL");
        let prefix = reader.or("REDIS_PREFIX", Keys::PREFIX.to_owned(), Keys::parse_prefix);
        let server = match url?.expose_secret().into_connection_info() {
            Ok(server) => server.set_tcp_settings(TcpSettings::default().set_nodelay(true)),
            Err(_) => {
                reader.mistake("REDIS_URL", "it is a URL such as redis://:password@host:6379/0");
                return None;
            }
        };
        Some(Self { server, prefix })
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("address", &self.server.addr().to_string())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
