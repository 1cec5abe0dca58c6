//! The sender of a request, as reported by the connection and by trusted proxies.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header};
use secrecy::{ExposeSecret as _, SecretString};

use super::cookie::cookie;
use crate::config::TrustedProxies;

/// The header with the addresses that proxies report.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// The longest stored user agent, in characters.
const MAX_USER_AGENT: usize = 512;

/// The longest `Accept-Language` that is read, in bytes; longer ones are ignored.
const MAX_LANGUAGES: usize = 128;

/// The cookie with the device token. `__Host-`: set by this very host, over TLS (or on this machine), for all of its
/// paths.
pub(crate) const DEVICE_COOKIE: &str = "__Host-device";

/// The longest device token that is read, in bytes; longer ones are ignored.
const MAX_DEVICE: usize = 512;

/// A device token as a client presented it: any text. Its `Debug` prints nothing.
#[derive(Debug, Clone)]
pub struct DeviceText(SecretString);

/// The sender of a request.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its address; `None` behind a Unix socket whose proxy did not send one.
    pub address: Option<IpAddr>,
    /// Its user agent, without control characters, at most 512 characters.
    pub user_agent: Option<String>,
    /// Its device token.
    pub device: Option<DeviceText>,
    /// The languages that it accepts (`Accept-Language`), at most 128 bytes.
    pub languages: Option<String>,
}

impl DeviceText {
    /// A text of a possible length.
    pub(crate) fn new(text: &str) -> Option<Self> {
        (1..=MAX_DEVICE).contains(&text.len()).then(|| Self(text.into()))
    }

    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Client {
    /// An unknown client: no request was sent.
    pub const NONE: Self = Self { address: None, user_agent: None, device: None, languages: None };

    /// Notes the device token of a body, from an app that keeps no cookies.
    pub(crate) fn present(&mut self, device: Option<DeviceText>) {
        self.device = device.or(self.device.take());
    }

    /// From the connection's peer (`None` on a Unix socket) and the request's headers.
    pub fn of(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        Self {
            address: address(peer, headers, trusted),
            user_agent: user_agent(headers),
            device: cookie(headers, DEVICE_COOKIE).and_then(DeviceText::new),
            languages: languages(headers),
        }
    }
}

/// Walks from the connection back through the proxies, each of which appended the address of its peer, as
/// long as each is trusted. Entries that the client wrote itself are further left and are never reached.
fn address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &TrustedProxies) -> Option<IpAddr> {
    let mut nearest = peer.map(|address| address.to_canonical());
    if !trusted.contains(peer) {
        return nearest;
    }
    // In bytes, because a client may have written any before what the proxies appended.
    let lines: Vec<&[u8]> = headers.get_all(FORWARDED_FOR).iter().map(http::HeaderValue::as_bytes).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
        let Ok(hop) = std::str::from_utf8(hop) else { break };
        let Some(hop) = hop_address(hop.trim_ascii()) else { break };
        nearest = Some(hop);
        if !trusted.contains(Some(hop)) {
            break;
        }
    }
    nearest
}

/// The address of a hop: `192.0.2.1` or `2001:db8::1`. Some proxies add the port, `192.0.2.1:4711` or
/// `[2001:db8::1]:4711`, or only the brackets.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.parse().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|hop| hop.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    bare.or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let bytes = headers.get(header::USER_AGENT)?.as_bytes();
    let text = String::from_utf8_lossy(bytes);
    let kept: String = text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect();
    (!kept.is_empty()).then_some(kept)
}

fn languages(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    (text.len() <= MAX_LANGUAGES).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn seen(peer: Option<&str>, forwarded: &[&'static str], trusted: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        let peer = peer.map(|peer| peer.parse().unwrap());
        address(peer, &headers, &TrustedProxies::parse(trusted).unwrap()).map(|address| address.to_string())
    }

    #[test]
    fn an_untrusted_peer_cannot_set_the_client_address() {
        let seen = seen(Some("203.0.113.9"), &["198.51.100.1"], "10.0.0.0/8,unix");
        assert_eq!(seen.as_deref(), Some("203.0.113.9"));
    }

    #[test]
    fn a_trusted_proxy_sets_the_client_address() {
        assert_eq!(seen(Some("10.0.0.1"), &["198.51.100.1"], "10.0.0.0/8").as_deref(), Some("198.51.100.1"));
        assert_eq!(seen(None, &["198.51.100.1"], "unix").as_deref(), Some("198.51.100.1"));
        assert_eq!(
            seen(Some("::ffff:10.0.0.1"), &["2001:db8::1"], "10.0.0.0/8").as_deref(),
            Some("2001:db8::1")
        );
    }

    #[test]
    fn addresses_that_a_client_wrote_before_the_proxies_are_ignored() {
        let lines = &["1.1.1.1, 198.51.100.1", "10.0.0.2"];
        assert_eq!(seen(Some("10.0.0.1"), lines, "10.0.0.0/8").as_deref(), Some("198.51.100.1"));
    }

    #[test]
    fn an_unreadable_hop_ends_the_walk_at_the_last_one_known() {
        assert_eq!(seen(Some("10.0.0.1"), &["unknown"], "10.0.0.0/8").as_deref(), Some("10.0.0.1"));
        assert_eq!(
            seen(Some("10.0.0.1"), &["1.1.1.1, x, 10.0.0.2"], "10.0.0.0/8").as_deref(),
            Some("10.0.0.2")
        );
        assert_eq!(seen(None, &[], "unix"), None);
    }

    #[test]
    fn a_hop_may_have_a_port() {
        for (hop, address) in [
            ("198.51.100.1:4711", "198.51.100.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[::ffff:198.51.100.1]:80", "198.51.100.1"),
            // Without brackets the last group belongs to the address.
            ("2001:db8::1:443", "2001:db8::1:443"),
        ] {
            assert_eq!(seen(None, &[hop], "unix").as_deref(), Some(address), "{hop}");
        }
        let lines = &["1.1.1.1:1, 198.51.100.1:4711, 10.0.0.2:80"];
        assert_eq!(seen(Some("10.0.0.1"), lines, "10.0.0.0/8").as_deref(), Some("198.51.100.1"));
        for hop in [
            "198.51.100.1:",
            "198.51.100.1:65536",
            "[198.51.100.1]:80",
            "[2001:db8::1",
            "[]:1",
            ":80",
            "[::1]x",
        ] {
            assert_eq!(seen(Some("10.0.0.1"), &[hop], "10.0.0.0/8").as_deref(), Some("10.0.0.1"), "{hop}");
        }
    }

    #[test]
    fn bytes_that_a_client_wrote_do_not_hide_what_the_proxies_appended() {
        let seen = |line: &[u8]| {
            let name = http::HeaderName::from_static(FORWARDED_FOR);
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_bytes(line).unwrap())]);
            address(None, &headers, &TrustedProxies::parse("unix").unwrap())
                .map(|address| address.to_string())
        };
        assert_eq!(seen(b"\xff, 198.51.100.1").as_deref(), Some("198.51.100.1"));
        assert_eq!(seen("где-то, 198.51.100.1:4711".as_bytes()).as_deref(), Some("198.51.100.1"));
        assert_eq!(seen(b"198.51.100.1, \xff"), None);
    }

    #[test]
    fn a_user_agent_is_cut_and_cleaned() {
        let agent = |bytes: &[u8]| {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            user_agent(&HeaderMap::from_iter([(header::USER_AGENT, value)]))
        };
        assert_eq!(agent(b"Film/1.0\t(TV)").as_deref(), Some("Film/1.0(TV)"));
        assert_eq!(agent(&[b'a'; 600]).map(|agent| agent.len()), Some(512));
        assert_eq!(agent(b"\xff").as_deref(), Some("\u{fffd}"));
        assert_eq!(agent(b""), None);
    }

    proptest! {
        #[test]
        fn whatever_a_client_wrote_the_appended_address_is_the_clients(
            wrote in proptest::collection::vec(0x20_u8..=0xff, 0..80), bits: u32,
        ) {
            let appended = std::net::Ipv4Addr::from_bits(bits);
            let line = [&wrote[..], b", ", appended.to_string().as_bytes()].concat();
            // A byte that no header has is no part of a request.
            if let Ok(line) = HeaderValue::from_bytes(&line) {
                let headers = HeaderMap::from_iter([(http::HeaderName::from_static(FORWARDED_FOR), line)]);
                let seen = address(None, &headers, &TrustedProxies::parse("unix").unwrap());
                prop_assert_eq!(seen, Some(appended.into()));
            }
        }

        #[test]
        fn any_forwarded_line_is_walked_without_panic(line in "[ -~]{0,80}|[0-9a-f:.\\[\\], ]{0,40}") {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(FORWARDED_FOR),
                HeaderValue::from_str(&line).unwrap(),
            )]);
            let trusted = TrustedProxies::parse("0.0.0.0/0,unix").unwrap();
            let _address = address(None, &headers, &trusted);
        }
    }
}
