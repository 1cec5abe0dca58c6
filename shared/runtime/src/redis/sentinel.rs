//! Sentinels: all are asked for the master at once, so that one that hangs does not delay the others' responses.
//!
//! The client library asks them one after another, and waits for each without a limit.

use std::fmt;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisError, cmd,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::server::{open, parse, tcp_settings, uses_tls};

/// The longest wait for a sentinel: shorter than the waits of all callers.
const TIMEOUT: Duration = Duration::from_millis(800);

/// The addresses of the sentinels, and the name of the master that they monitor.
#[derive(Clone)]
pub(super) struct Sentinels {
    all: Vec<ConnectionInfo>,
    master: String,
    /// User and password for the master.
    credentials: RedisConnectionInfo,
}

impl Sentinels {
    /// Whether connections use TLS: those to all sentinels, and to the master.
    pub(super) fn use_tls(&self) -> bool {
        self.all.iter().any(uses_tls)
    }

    /// Reads a list of `host:port` or URLs, separated by commas; with `rediss:` the master uses TLS too.
    pub(super) fn parse(
        list: &str,
        master: &str,
        user: Option<String>,
        password: Option<SecretString>,
    ) -> Result<Self, &'static str> {
        let all: Vec<_> = list.split(',').map(|item| sentinel(item.trim())).collect::<Result<_, _>>()?;
        if all.iter().any(uses_tls) && !all.iter().all(uses_tls) {
            return Err("must use TLS (rediss:) for all sentinels or for none");
        }
        let mut credentials = RedisConnectionInfo::default();
        if let Some(user) = user {
            credentials = credentials.set_username(user);
        }
        if let Some(password) = password {
            credentials = credentials.set_password(password.expose_secret());
        }
        Ok(Self { all, master: master.to_owned(), credentials })
    }

    /// The address of the master, from the first sentinel that knows it.
    pub(super) async fn master(&self, ca: Option<&Vec<u8>>) -> Result<ConnectionInfo, RedisError> {
        let mut asked: FuturesUnordered<_> = self.all.iter().map(|sentinel| self.ask(sentinel, ca)).collect();
        let mut last = None;
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(master) => return Ok(master),
                Err(error) => last = Some(error),
            }
        }
        let why = last.map(|error| error.to_string()).unwrap_or_default();
        Err((ErrorKind::MasterNameNotFoundBySentinel, "no sentinel knows the master", why).into())
    }

    async fn ask(
        &self,
        sentinel: &ConnectionInfo,
        ca: Option<&Vec<u8>>,
    ) -> Result<ConnectionInfo, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let client = open(sentinel.clone(), ca)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut question = cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let answer: Option<(String, u16)> = question.query_async(&mut connection).await?;
        let Some((host, port)) = answer else {
            return Err((
                ErrorKind::MasterNameNotFoundBySentinel,
                "the sentinel does not monitor a master with this name",
            )
                .into());
        };
        let place = match sentinel.addr() {
            ConnectionAddr::TcpTls { .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        let master = place.into_connection_info()?.set_redis_settings(self.credentials.clone());
        Ok(master.set_tcp_settings(tcp_settings()))
    }
}

impl fmt::Display for Sentinels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by", self.master)?;
        self.all.iter().try_for_each(|sentinel| write!(f, " {}", sentinel.addr()))
    }
}

/// Reads one item of the list.
fn sentinel(item: &str) -> Result<ConnectionInfo, &'static str> {
    const FORM: &str = "must be host:port or redis://[user:password@]host:port, separated by commas";
    let url = if item.contains("://") { item.to_owned() } else { format!("redis://{item}") };
    let sentinel = parse(&url).map_err(|_| FORM)?;
    let is_plain = sentinel.redis_settings().db() == 0 && !matches!(sentinel.addr(), ConnectionAddr::Unix(_));
    // Without a port the default would be that of Redis, not of a sentinel.
    let has_port = url.rsplit(':').next().is_some_and(|end| end.trim_end_matches('/').parse::<u16>().is_ok());
    if is_plain && has_port && !item.is_empty() { Ok(sentinel) } else { Err(FORM) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(list: &str) -> Result<Sentinels, &'static str> {
        Sentinels::parse(list, "usher", None, None)
    }

    #[test]
    fn a_list_has_addresses_with_ports() {
        for valid in ["a:26379", "a:26379, b:1,[::1]:2", "rediss://u:p@a:1,rediss://b:2"] {
            assert!(read(valid).is_ok(), "{valid}");
        }
        for bad in
            ["", ",", "a", "a:26379,", "redis://a", "unix:/a", "redis://a:1/3", "rediss://a:1,b:2", "a:b"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_or_none_without_panic(text in "\\PC{0,40}", list in "[a-z0-9:,/@#.\\[\\]]{0,40}") {
            let (_, _) = (read(&text).is_ok(), read(&list).is_ok());
        }
    }
}
