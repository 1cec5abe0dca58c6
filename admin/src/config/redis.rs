//! Redis: where it is, and under which prefix our keys lie.

use std::fmt;

use ::redis::{ConnectionInfo, IntoConnectionInfo as _, io::tcp::TcpSettings};
use secrecy::ExposeSecret as _;
use shared::env::{Mistakes, Reader, Vars};

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
        let prefix = reader.or("REDIS_PREFIX", "usher:".to_owned(), prefix);
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

/// A prefix may hold no braces: they would move the hash tag.
fn prefix(text: &str) -> Result<String, &'static str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'{' && byte != b'}');
    let fits = plain && text.len() <= 100;
    if fits {
        Ok(text.to_owned())
    } else {
        Err("it is up to 100 visible characters without braces, such as usher:")
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
