//! Redis: where it is, as the variables say, and a client of the master that is there now.

mod sentinel;

use std::fmt;

use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisError, TlsCertificates};
use secrecy::{ExposeSecret as _, SecretString};
use sentinel::Sentinels;
use shared::revocation::RedisKeys;

use crate::certificates;
use crate::env::{Mistakes, Reader, Vars, text};

const URL: &str = "REDIS_URL";
const SENTINELS: &str = "REDIS_SENTINELS";
const MASTER: &str = "REDIS_MASTER";
const CA: &str = "REDIS_TLS_CA";

const URL_FORM: &str =
    "it is redis://[user:password@]host[:port][/database], the same with rediss: for TLS, or unix:/path";

/// How to reach Redis, and under which prefix our keys lie. Its `Debug` shows no password.
#[derive(Clone)]
pub struct Redis {
    place: Place,
    /// Whom to trust with TLS; none: whom the system trusts.
    ca: Option<Vec<u8>>,
    /// What every key begins with.
    pub prefix: String,
}

/// Where it is.
#[derive(Clone)]
enum Place {
    /// Here.
    Named(ConnectionInfo),
    /// Where sentinels say.
    Watched(Sentinels),
}

impl Place {
    fn is_asked_by_tls(&self) -> bool {
        match self {
            Self::Named(server) => matches!(server.addr(), ConnectionAddr::TcpTls { .. }),
            Self::Watched(sentinels) => sentinels.are_asked_by_tls(),
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

    /// Reads `REDIS_URL`, or `REDIS_SENTINELS` with `REDIS_MASTER`, and what goes with them. What is wrong with a text
    /// that may hold a password is not quoted.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (url, sentinels) = (reader.optional_secret(URL), reader.optional_secret(SENTINELS));
        let master = reader.optional(MASTER, text);
        let (user, password) =
            (reader.optional("REDIS_USERNAME", text), reader.optional_secret("REDIS_PASSWORD"));
        let ca = reader.optional(CA, certificates::read);
        let prefix = reader.or("REDIS_PREFIX", RedisKeys::PREFIX.to_owned(), RedisKeys::parse_prefix);
        let place = match (url, sentinels, master) {
            (Some(url), None, None) => {
                if user.is_some() || password.is_some() {
                    let why = "they are for a master that sentinels name; REDIS_URL has places for its own";
                    reader.mistake("REDIS_USERNAME, REDIS_PASSWORD", why);
                }
                named(reader, &url)
            }
            (None, Some(sentinels), Some(master)) => {
                let read = Sentinels::parse(sentinels.expose_secret(), &master, user, password);
                read.map(Place::Watched).map_err(|why| reader.mistake(SENTINELS, why)).ok()
            }
            (None, None, None) => {
                reader.mistake(
                    URL,
                    "it must be set, or REDIS_SENTINELS with REDIS_MASTER; or a file of REDIS_URL_FILE",
                );
                None
            }
            (Some(_), _, _) => {
                reader.mistake(
                    URL,
                    "it is in place of REDIS_SENTINELS with REDIS_MASTER; set the one or the others",
                );
                None
            }
            (None, _, _) => {
                reader.mistake(
                    SENTINELS,
                    "it and REDIS_MASTER, the name that they watch it under, are set together",
                );
                None
            }
        };
        if ca.is_some() && place.as_ref().is_some_and(|place| !place.is_asked_by_tls()) {
            reader.mistake(CA, "it is for TLS, which is asked for with rediss: in place of redis:");
        }
        Some(Self { place: place?, ca, prefix })
    }

    /// The same with these settings for every connection to it.
    #[must_use]
    pub fn with_tcp_settings(mut self, settings: &TcpSettings) -> Self {
        self.place = match self.place {
            Place::Named(server) => Place::Named(server.set_tcp_settings(settings.clone())),
            Place::Watched(sentinels) => Place::Watched(sentinels.with_tcp_settings(settings)),
        };
        self
    }

    /// Whether it may be elsewhere tomorrow.
    pub fn is_watched(&self) -> bool {
        matches!(self.place, Place::Watched(_))
    }

    /// A client of the master: of the one that sentinels name now, where there are any. Not connected; a connection that
    /// was lost is made anew with another client.
    ///
    /// # Errors
    ///
    /// When no sentinel names a master.
    pub async fn client(&self) -> Result<Client, RedisError> {
        let server = match &self.place {
            Place::Named(server) => server.clone(),
            Place::Watched(sentinels) => sentinels.master(self.ca.as_ref()).await?,
        };
        open(server, self.ca.as_ref())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.place {
            Place::Named(server) => server.addr().to_string(),
            Place::Watched(sentinels) => sentinels.to_string(),
        };
        f.debug_struct("Redis").field("place", &place).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

fn named(reader: &mut Reader<'_>, url: &SecretString) -> Option<Place> {
    match address(url.expose_secret()) {
        Ok(server) => Some(Place::Named(server)),
        Err(why) => {
            reader.mistake(URL, why);
            None
        }
    }
}

/// Reads a URL. A revocation must not wait for an acknowledgement: Nagle's algorithm is off.
fn address(url: &str) -> Result<ConnectionInfo, &'static str> {
    let server = url.into_connection_info().map_err(|_| URL_FORM)?;
    if matches!(server.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err(
            "certificates are always verified: leave #insecure out, and name the authority in REDIS_TLS_CA",
        );
    }
    Ok(server.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

/// With the certificates of `ca` where TLS is spoken.
fn open(server: ConnectionInfo, ca: Option<&Vec<u8>>) -> Result<Client, RedisError> {
    match (server.addr(), ca) {
        (ConnectionAddr::TcpTls { .. }, Some(ca)) => {
            Client::build_with_tls(server, TlsCertificates { client_tls: None, root_cert: Some(ca.clone()) })
        }
        _ => Client::open(server),
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
    fn it_is_at_a_url_or_where_sentinels_say() {
        assert!(!read(&[("REDIS_URL", "redis://a:6379")]).unwrap().is_watched());
        assert!(!read(&[("REDIS_URL", "rediss://u:p@a")]).unwrap().is_watched());
        let sentinels = ("REDIS_SENTINELS", "a:26379,redis://u:p@b:26379");
        let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/authority.pem");
        assert!(read(&[("REDIS_URL", "rediss://a"), ("REDIS_TLS_CA", ca)]).is_ok());
        assert!(read(&[sentinels, ("REDIS_MASTER", "usher")]).unwrap().is_watched());
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
