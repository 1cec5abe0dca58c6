//! Sentinels: asked all at once who the master is, so that one that hangs costs nobody's patience.
//!
//! The client library's own asks one after another, and waits for each without a bound.

use std::fmt;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisError, cmd,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::{address, open};

/// Longer than this no sentinel is waited for: less than whoever asks for a client waits himself.
const PATIENCE: Duration = Duration::from_millis(800);

/// Where they are, and what they watch.
#[derive(Clone)]
pub(super) struct Sentinels {
    all: Vec<ConnectionInfo>,
    master: String,
    /// What the master wants of us.
    credentials: RedisConnectionInfo,
    settings: TcpSettings,
}

impl Sentinels {
    /// All of them, and the master with them.
    pub(super) fn are_asked_by_tls(&self) -> bool {
        self.all.iter().any(|sentinel| matches!(sentinel.addr(), ConnectionAddr::TcpTls { .. }))
    }

    /// Reads a list with commas between, of `host:port` or of URLs; with `rediss:` the master, too, speaks TLS.
    pub(super) fn parse(
        list: &str,
        master: &str,
        user: Option<String>,
        password: Option<SecretString>,
    ) -> Result<Self, &'static str> {
        let all: Vec<_> = list.split(',').map(|item| sentinel(item.trim())).collect::<Result<_, _>>()?;
        let tls = |sentinel: &&ConnectionInfo| matches!(sentinel.addr(), ConnectionAddr::TcpTls { .. });
        if ![0, all.len()].contains(&all.iter().filter(tls).count()) {
            return Err("all of them are asked by TLS (rediss:), or none");
        }
        let mut credentials = RedisConnectionInfo::default();
        if let Some(user) = user {
            credentials = credentials.set_username(user);
        }
        if let Some(password) = password {
            credentials = credentials.set_password(password.expose_secret());
        }
        let settings = TcpSettings::default().set_nodelay(true);
        Ok(Self { all, master: master.to_owned(), credentials, settings })
    }

    pub(super) fn with_tcp_settings(mut self, settings: &TcpSettings) -> Self {
        self.settings = settings.clone();
        self
    }

    /// Where the master is, by the first of them that knows.
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
        Err((ErrorKind::MasterNameNotFoundBySentinel, "no sentinel names the master", why).into())
    }

    async fn ask(
        &self,
        sentinel: &ConnectionInfo,
        ca: Option<&Vec<u8>>,
    ) -> Result<ConnectionInfo, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let client = open(sentinel.clone(), ca)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut question = cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let answer: Option<(String, u16)> = question.query_async(&mut connection).await?;
        let Some((host, port)) = answer else {
            return Err((ErrorKind::MasterNameNotFoundBySentinel, "it watches nothing of this name").into());
        };
        let place = match sentinel.addr() {
            ConnectionAddr::TcpTls { .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        let master = place.into_connection_info()?.set_redis_settings(self.credentials.clone());
        Ok(master.set_tcp_settings(self.settings.clone()))
    }
}

impl fmt::Display for Sentinels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by", self.master)?;
        self.all.iter().try_for_each(|sentinel| write!(f, " {}", sentinel.addr()))
    }
}

/// Reads one of the list.
fn sentinel(item: &str) -> Result<ConnectionInfo, &'static str> {
    const FORM: &str = "it is host:port, or redis://[user:password@]host:port, several with commas between";
    let url = if item.contains("://") { item.to_owned() } else { format!("redis://{item}") };
    let sentinel = address(&url).map_err(|_| FORM)?;
    let is_plain = sentinel.redis_settings().db() == 0 && !matches!(sentinel.addr(), ConnectionAddr::Unix(_));
    // Without a port it would be that of a Redis.
    let has_port = url.rsplit(':').next().is_some_and(|end| end.trim_end_matches('/').parse::<u16>().is_ok());
    if is_plain && has_port && !item.is_empty() { Ok(sentinel) } else { Err(FORM) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(list: &str) -> Result<Sentinels, &'static str> {
        Sentinels::parse(list, "usher", None, None)
    }

    #[test]
    fn a_list_has_addresses_with_ports() {
        for good in ["a:26379", "a:26379, b:1,[::1]:2", "rediss://u:p@a:1,rediss://b:2"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", ",", "a", "a:26379,", "redis://a", "unix:/a", "redis://a:1/3", "rediss://a:1,b:2", "a:b"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_or_none_without_panic(text in "\\PC{0,40}", list in "[a-z0-9:,/@#.\\[\\]]{0,40}") {
            let (_, _) = (parse(&text).is_ok(), parse(&list).is_ok());
        }
    }
}
