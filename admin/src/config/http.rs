//! Listeners, trusted proxies, and the limit on draining.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use runtime::env::{Reader, duration_between};
use runtime::listen::{self, Address};
use url::Url;

use crate::providers::public_url;

/// Listeners, proxies, draining.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The listener of the API.
    pub listen: Vec<Address>,
    /// The listener of health and metrics.
    pub ops_listen: Vec<Address>,
    /// The console of operators; `None` if it is not served.
    pub console: Option<ConsoleConfig>,
    /// The peers whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: TrustedProxies,
    /// The networks whose addresses very many people share.
    pub shared_networks: SharedNetworks,
    /// How long requests in progress may take after a stop signal.
    pub drain: Duration,
    /// How long a handler may take in all; after that its transaction is rolled back. Not configurable: it must be
    /// between PostgreSQL's statement timeout and nginx's proxy timeout.
    pub handling: Duration,
    /// How long of that it may wait for PostgreSQL, except on routes for large amounts. Not configurable: it must be less than
    /// the two seconds after which nginx takes an admin for one that hangs.
    pub stores: Duration,
}

/// The console of operators.
#[derive(Debug, Clone)]
pub struct ConsoleConfig {
    /// Its listener.
    pub listen: Vec<Address>,
    /// Its address in browsers, with which the origin of each form is compared.
    pub url: Url,
}

/// See [`HttpConfig::handling`].
const MAX_HANDLING: Duration = Duration::from_secs(15);

/// See [`HttpConfig::stores`].
const MAX_STORES: Duration = Duration::from_millis(1500);

/// The peers that are trusted to report a client's address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    unix: bool,
}

/// Networks whose addresses very many people share, such as those of a mobile operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharedNetworks(Vec<IpNet>);

/// The variable for the listener of health and metrics.
pub const OPS_LISTEN: &str = "ADMIN_OPS_LISTEN";

/// Its default value.
pub fn usual_ops_address() -> Address {
    local(9001)
}

/// The variables of the console.
const CONSOLE_LISTEN: &str = "ADMIN_CONSOLE_LISTEN";
const CONSOLE_URL: &str = "ADMIN_CONSOLE_URL";

fn local(port: u16) -> Address {
    Address::Tcp(([127, 0, 0, 1], port).into())
}

impl HttpConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            listen: reader.or("ADMIN_LISTEN", vec![local(8001)], listen::list),
            ops_listen: reader.or(OPS_LISTEN, vec![usual_ops_address()], listen::list),
            console: ConsoleConfig::read(reader),
            trusted_proxies: reader.or(
                "ADMIN_TRUSTED_PROXIES",
                TrustedProxies::default(),
                TrustedProxies::parse,
            ),
            shared_networks: reader.or(
                "ADMIN_SHARED_NETWORKS",
                SharedNetworks::default(),
                SharedNetworks::parse,
            ),
            drain: reader.or(
                "ADMIN_DRAIN",
                Duration::from_secs(10),
                duration_between(Duration::ZERO, Duration::from_mins(10)),
            ),
            handling: MAX_HANDLING,
            stores: MAX_STORES,
        }
    }
}

impl ConsoleConfig {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let listen = reader.optional(CONSOLE_LISTEN, listen::list);
        let url = reader.optional(CONSOLE_URL, public_url);
        match (listen, url) {
            (Some(listen), Some(url)) => Some(Self { listen, url }),
            (Some(_), None) => {
                let why = "must be set when the console is served: its address in browsers, such as \
                           https://console.cinema.internal";
                reader.mistake(CONSOLE_URL, why);
                None
            }
            (None, Some(_)) => {
                reader.mistake(CONSOLE_LISTEN, "must be set, because ADMIN_CONSOLE_URL is set");
                None
            }
            (None, None) => None,
        }
    }
}

impl SharedNetworks {
    /// Parses a list such as `198.51.100.0/24,2001:db8::/32`.
    ///
    /// # Errors
    ///
    /// When an entry is not an address or a network.
    pub fn parse(text: &str) -> Result<Self, String> {
        let why = || "must be a comma-separated list of addresses and networks such as 10.0.0.0/8".to_owned();
        let networks = text.split(',').map(|entry| network(entry.trim()).ok_or_else(why));
        networks.collect::<Result<_, _>>().map(Self)
    }

    /// Whether `address` is in one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// A network, or an address alone.
fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()
}

impl TrustedProxies {
    /// Parses a list such as `127.0.0.1,10.0.0.0/8,unix`.
    ///
    /// # Errors
    ///
    /// When an entry is not an address, a network, or `unix`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut proxies = Self::default();
        for entry in text.split(',').map(str::trim) {
            if entry == "unix" {
                proxies.unix = true;
                continue;
            }
            let why = || {
                "must be a comma-separated list of addresses, networks such as 10.0.0.0/8, and unix"
                    .to_owned()
            };
            proxies.networks.push(network(entry).ok_or_else(why)?);
        }
        Ok(proxies)
    }

    /// Whether `peer` is trusted; `None` is a peer on a Unix socket.
    pub fn contains(&self, peer: Option<IpAddr>) -> bool {
        match peer {
            None => self.unix,
            Some(address) => {
                let address = address.to_canonical();
                self.networks.iter().any(|network| network.contains(&address))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn proxies_are_addresses_networks_and_unix() {
        let proxies = TrustedProxies::parse("127.0.0.1, 10.0.0.0/8,unix,2001:db8::/32").unwrap();
        let trusts = |text: &str| proxies.contains(Some(text.parse().unwrap()));
        assert!(proxies.contains(None) && trusts("127.0.0.1") && trusts("10.9.8.7") && trusts("2001:db8::7"));
        assert!(trusts("::ffff:10.0.0.1"));
        assert!(!trusts("127.0.0.2") && !trusts("11.0.0.1") && !trusts("::1"));
    }

    #[test]
    fn no_proxy_is_trusted_by_default() {
        assert!(!TrustedProxies::default().contains(None));
        assert!(!TrustedProxies::default().contains(Some([127, 0, 0, 1].into())));
    }

    #[test]
    fn shared_networks_are_addresses_and_networks() {
        let shared = SharedNetworks::parse("198.51.100.0/24, 2001:db8::/32,203.0.113.7").unwrap();
        let contains = |text: &str| shared.contains(text.parse().unwrap());
        assert!(contains("198.51.100.9") && contains("::ffff:198.51.100.9") && contains("203.0.113.7"));
        assert!(!contains("203.0.113.8") && !contains("::1"));
        for bad in ["", "unix", "198.51.100.0/24,", "198.51.100.0/33", "example.org"] {
            assert!(SharedNetworks::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn other_lists_are_refused_without_panic(text: String) {
            let _verdict = TrustedProxies::parse(&text);
            let _verdict = SharedNetworks::parse(&text);
        }
    }
}
