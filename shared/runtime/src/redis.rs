//! How to reach Redis, as the environment says, and a client of its current master.

mod sentinel;
mod server;

use std::fmt;

use redis::{Client, ConnectionInfo, RedisError};
use secrecy::{ExposeSecret as _, SecretString};
use sentinel::Sentinels;
use shared::revocation::RedisKeys;

use crate::certificates;
use crate::env::{Mistakes, Reader, Vars, text};

const URL: &str = "REDIS_URL";
const SENTINELS: &str = "REDIS_SENTINELS";
const MASTER: &str = "REDIS_MASTER";
const CA: &str = "REDIS_TLS_CA";

/// How to reach Redis, and the prefix of all keys. Its `Debug` shows no password.
#[derive(Clone)]
pub struct Redis {
    address: RedisAddress,
    /// The certificate authority for TLS; if `None`, the system trust store.
    ca: Option<Vec<u8>>,
    /// The beginning of every key.
    pub prefix: String,
}

#[derive(Clone)]
enum RedisAddress {
    /// One server.
    Server(ConnectionInfo),
    /// The master that sentinels name.
    Sentinels(Sentinels),
}

impl RedisAddress {
    fn uses_tls(&self) -> bool {
        match self {
            Self::Server(server) => server::uses_tls(server),
            Self::Sentinels(sentinels) => sentinels.use_tls(),
        }
    }
}

impl Redis {
    /// Reads this part alone.
    ///
    /// # Errors
    ///
    /// Every mistake at once.
    pub fn from_vars(vars: &dyn Vars) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(vars);
        let redis = Self::read(&mut reader);
        reader.finish(redis)
    }

    /// Reads `REDIS_URL`, or `REDIS_SENTINELS` with `REDIS_MASTER`, and their companions. Values that may hold a
    /// password are never quoted.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (url, sentinels) = (reader.optional_secret(URL), reader.optional_secret(SENTINELS));
        let master = reader.optional(MASTER, text);
        let (user, password) =
            (reader.optional("REDIS_USERNAME", text), reader.optional_secret("REDIS_PASSWORD"));
        let ca = reader.optional(CA, certificates::read);
        let prefix = reader.or("REDIS_PREFIX", RedisKeys::PREFIX.to_owned(), RedisKeys::parse_prefix);
        let address = match (url, sentinels, master) {
            (Some(url), None, None) => {
                if user.is_some() || password.is_some() {
                    let why =
                        "must be set only with REDIS_SENTINELS; REDIS_URL holds its own user and password";
                    reader.mistake("REDIS_USERNAME, REDIS_PASSWORD", why);
                }
                one_server(reader, &url)
            }
            (None, Some(sentinels), Some(master)) => {
                let read = Sentinels::parse(sentinels.expose_secret(), &master, user, password);
                read.map(RedisAddress::Sentinels).map_err(|why| reader.mistake(SENTINELS, why)).ok()
            }
            (None, None, None) => {
                reader
                    .mistake(URL, "must be set; or set REDIS_URL_FILE, or REDIS_SENTINELS and REDIS_MASTER");
                None
            }
            (Some(_), _, _) => {
                reader.mistake(
                    URL,
                    "must not be set together with REDIS_SENTINELS or REDIS_MASTER; set either REDIS_URL or both of these",
                );
                None
            }
            (None, _, _) => {
                reader.mistake(
                    SENTINELS,
                    "must be set together with REDIS_MASTER, the name of the master that they monitor",
                );
                None
            }
        };
        if ca.is_some() && address.as_ref().is_some_and(|address| !address.uses_tls()) {
            reader.mistake(CA, "must be set only with TLS: use rediss: instead of redis:");
        }
        Some(Self { address: address?, ca, prefix })
    }

    /// Whether sentinels name the master, so that its address can change.
    pub fn has_sentinels(&self) -> bool {
        matches!(self.address, RedisAddress::Sentinels(_))
    }

    /// A client of the master; with sentinels, of the one that they name now. Not connected. After a lost connection
    /// ask for another client, because the master may have changed.
    ///
    /// # Errors
    ///
    /// If no sentinel names a master.
    pub async fn client(&self) -> Result<Client, RedisError> {
        let server = match &self.address {
            RedisAddress::Server(server) => server.clone(),
            RedisAddress::Sentinels(sentinels) => sentinels.master(self.ca.as_ref()).await?,
        };
        server::open(server, self.ca.as_ref())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = match &self.address {
            RedisAddress::Server(server) => server.addr().to_string(),
            RedisAddress::Sentinels(sentinels) => sentinels.to_string(),
        };
        f.debug_struct("Redis")
            .field("address", &address)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

fn one_server(reader: &mut Reader<'_>, url: &SecretString) -> Option<RedisAddress> {
    match server::parse(url.expose_secret()) {
        Ok(server) => Some(RedisAddress::Server(server)),
        Err(why) => {
            reader.mistake(URL, why);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(vars: &[(&'static str, &str)]) -> Result<Redis, String> {
        let vars: HashMap<_, _> = vars.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Redis::from_vars(&vars).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn the_address_is_a_url_or_a_list_of_sentinels() {
        assert!(!read(&[("REDIS_URL", "redis://a:6379")]).unwrap().has_sentinels());
        assert!(!read(&[("REDIS_URL", "rediss://u:p@a")]).unwrap().has_sentinels());
        let sentinels = ("REDIS_SENTINELS", "a:26379,redis://u:p@b:26379");
        let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/authority.pem");
        assert!(read(&[("REDIS_URL", "rediss://a"), ("REDIS_TLS_CA", ca)]).is_ok());
        assert!(read(&[sentinels, ("REDIS_MASTER", "usher")]).unwrap().has_sentinels());
        for (wrong, named) in [
            (vec![], "REDIS_URL"),
            (vec![sentinels], "REDIS_SENTINELS"),
            (vec![("REDIS_MASTER", "usher")], "REDIS_SENTINELS"),
            (vec![("REDIS_URL", "redis://a"), sentinels], "REDIS_URL"),
            (vec![("REDIS_URL", "redis://a"), ("REDIS_PASSWORD", "p")], "REDIS_USERNAME, REDIS_PASSWORD"),
            (vec![("REDIS_URL", "rediss://a/#insecure")], "REDIS_URL"),
            (vec![("REDIS_URL", "http://a")], "REDIS_URL"),
            (vec![("REDIS_URL", "rediss://a"), ("REDIS_TLS_CA", "/nowhere/ca.pem")], "REDIS_TLS_CA"),
            (vec![("REDIS_URL", "rediss://a"), ("REDIS_TLS_CA", "/etc/hostname")], "REDIS_TLS_CA"),
            (vec![("REDIS_URL", "rediss://a"), ("REDIS_TLS_CA", "ca.pem")], "REDIS_TLS_CA"),
            (vec![("REDIS_URL", "redis://a"), ("REDIS_TLS_CA", ca)], "REDIS_TLS_CA"),
            (vec![sentinels, ("REDIS_MASTER", "usher"), ("REDIS_TLS_CA", ca)], "REDIS_TLS_CA"),
        ] {
            let mistakes = read(&wrong).unwrap_err();
            assert!(
                mistakes.starts_with(&format!("{named}: ")) && mistakes.lines().count() == 1,
                "{mistakes}"
            );
        }
    }

    #[test]
    fn no_password_is_shown() {
        let shown = [
            read(&[("REDIS_URL", "redis://u:s3cret@a")]).map(|redis| format!("{redis:?}")),
            read(&[
                ("REDIS_SENTINELS", "redis://u:s3cret@b:26379"),
                ("REDIS_MASTER", "usher"),
                ("REDIS_PASSWORD", "s3cret"),
            ])
            .map(|redis| format!("{redis:?}")),
            read(&[("REDIS_URL", "redis//s3cret")]).map(|_| String::new()),
            read(&[("REDIS_SENTINELS", "b:s3cret,"), ("REDIS_MASTER", "usher")]).map(|_| String::new()),
        ];
        for shown in shown {
            let (Ok(text) | Err(text)) = shown;
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
}
